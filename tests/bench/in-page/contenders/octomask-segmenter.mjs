/** Octomask from pixels to mask: `createSegmenter` as a page calls it, on a canvas or on a camera's frame. */

import { createSegmenter } from '/octomask/index.js';
import { drawn, filmed } from '../frame.mjs';
import { partsOf, summary } from '../timing.mjs';

export async function open({ model, frame, source, build, threads }) {
  const segmenter = await createSegmenter({ model, build, threads });
  const picture = await (source === 'canvas' ? drawn : filmed)(frame);
  const run = () => segmenter.segment(picture);
  const bytes = () => segmenter.model.runtime.memoryBytes;
  await run();
  const atFirst = bytes();
  let frames = 1;
  return {
    run,
    output: run,
    async measure(ms) {
      const stages = {};
      const totals = [];
      const end = performance.now() + ms;
      while (totals.length < 4 || performance.now() < end) {
        const start = performance.now();
        const { timings } = await run();
        totals.push(performance.now() - start);
        frames += 1;
        for (const [stage, time] of Object.entries(timings)) (stages[stage] ??= []).push(time);
      }
      return { invoke: summary(totals), stages: partsOf(totals, stages) };
    },
    /** Bytes of WebAssembly memory after the first frame and after the last. */
    details: () => ({ frames, memory: [atFirst, bytes()] }),
    close() {
      segmenter.dispose();
      if (source !== 'canvas') picture.close();
    },
  };
}
