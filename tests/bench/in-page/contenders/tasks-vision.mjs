/**
 * MediaPipe tasks-vision's ImageSegmenter from pixels to mask, on the CPU. It takes the same model with metadata
 * that say how pixels are normalized.
 */

import { FilesetResolver, ImageSegmenter } from '/mediapipe/tasks-vision/vision_bundle.mjs';
import { drawn } from '../frame.mjs';

export async function open({ task, frame }) {
  const files = await FilesetResolver.forVisionTasks('/mediapipe/tasks-vision/wasm');
  const segmenter = await ImageSegmenter.createFromOptions(files, {
    baseOptions: { modelAssetPath: task, delegate: 'CPU' },
    runningMode: 'IMAGE',
    outputCategoryMask: false,
    outputConfidenceMasks: true,
  });
  const canvas = await drawn(frame);
  const run = () => {
    const result = segmenter.segment(canvas);
    const mask = result.confidenceMasks.at(-1);
    const values = mask.getAsFloat32Array();
    const { width, height } = mask;
    const data = Uint8Array.from(values, (v) => 255 * v);
    result.close();
    return { data, width, height };
  };
  return { run, output: run, close: () => segmenter.close() };
}
