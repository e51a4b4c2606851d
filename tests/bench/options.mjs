/** What a run of the bench is to do. */

import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { at } from '../browser/tools.mjs';

const cores = cpus().length;

/** Every contender: the builds of Octomask at their numbers of threads, and the peers. */
const CONTENDERS = [
  { runtime: 'octomask', build: 'simd', threads: 1 },
  { runtime: 'octomask', build: 'relaxed', threads: 1 },
  { runtime: 'litert', threads: 1 },
  { runtime: 'onnxruntime', threads: 1 },
  { runtime: 'tfjs-tflite', threads: 1 },
  ...(cores > 1
    ? [
      { runtime: 'octomask', build: 'simd-threads', threads: cores },
      { runtime: 'octomask', build: 'relaxed-threads', threads: cores },
      { runtime: 'litert', threads: cores },
      { runtime: 'onnxruntime', threads: cores },
      { runtime: 'tfjs-tflite', threads: cores },
    ]
    : []),
].map(identified);

/** From a frame's pixels to a mask in memory; for the selfie models. */
const SEGMENTERS = [
  ...['VideoFrame', 'canvas'].flatMap((source) => [
    { runtime: 'octomask-segmenter', source, build: 'relaxed', threads: 1 },
    ...(cores > 1 ? [{ runtime: 'octomask-segmenter', source, build: 'relaxed-threads', threads: cores }] : []),
  ]),
  { runtime: 'mediapipe-selfie', threads: 1 },
  { runtime: 'tasks-vision', threads: 1 },
].map(identified);

const FRAMES = [[640, 480], [1280, 720]].map(([width, height]) => ({
  url: `/target/bench/frame-${width}x${height}.rgba`,
  width,
  height,
}));

function identified(contender) {
  const { runtime, source, build, threads } = contender;
  return { ...contender, id: [runtime, source, build, threads].filter((part) => part !== undefined).join(' ') };
}

export const NAMES = {
  octomask: 'Octomask',
  litert: 'LiteRT.js',
  onnxruntime: 'onnxruntime-web',
  'tfjs-tflite': 'tfjs-tflite',
  native: 'native TFLite',
  'octomask-segmenter': 'Octomask',
  'mediapipe-selfie': 'MediaPipe selfie_segmentation',
  'tasks-vision': 'MediaPipe tasks-vision',
};

/** Those of a list whose `key` starts with one of the comma-separated words; all of them without words. */
function chosen(list, words, key) {
  if (!words) return list;
  const wanted = words.split(',').map((w) => w.trim()).filter(Boolean);
  const unknown = wanted.find((w) => !list.some((item) => key(item).startsWith(w)));
  if (unknown) throw new Error(`nothing starts with '${unknown}'; there are ${[...new Set(list.map(key))].join(', ')}`);
  return list.filter((item) => wanted.some((w) => key(item).startsWith(w)));
}

export function readOptions() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      models: { type: 'string' },
      runtimes: { type: 'string' },
      rounds: { type: 'string' },
      ms: { type: 'string' },
      browsers: { type: 'string' },
    },
  });
  const all = JSON.parse(readFileSync(at('target/bench/models.json'), 'utf8'));
  const models = chosen(all, values.models, (m) => m.name);
  const contenders = chosen(CONTENDERS, values.runtimes, (c) => c.runtime);
  return {
    cores,
    models,
    contenders,
    segmenters: values.runtimes ? [] : SEGMENTERS,
    frames: FRAMES,
    /** Results of a part are printed, and kept apart from those of a whole run. */
    whole: models.length === all.length && contenders.length === CONTENDERS.length && !values.quick,
    rounds: Number(values.rounds ?? (values.quick ? 3 : 5)),
    ms: Number(values.ms ?? (values.quick ? 100 : 200)),
    /** Of what is slow, or beside the point. */
    fewer: Math.min(3, Number(values.rounds ?? 3)),
    browsers: (values.browsers ?? 'firefox,webkit').split(','),
  };
}
