/**
 * One build of Octomask. "Invoke" is the engine's run in a worker, without the package around it; "whole" is
 * `model.run` of the package as the page sees it, messages and copies included.
 */

import { loadModel } from '/octomask/index.js';
import { engine } from '../engine-client.mjs';
import { summary, timesFor } from '../timing.mjs';

export async function open({ model: url, input, threads, build }) {
  const start = performance.now();
  const model = await loadModel(url, { build, threads });
  const loadMs = performance.now() - start;
  const { runtime } = model;
  if (runtime.build !== build || runtime.threads !== threads) {
    throw new Error(`${runtime.build} on ${runtime.threads} threads: ${runtime.reason}`);
  }
  const bare = await engine(build, threads);
  await bare.call('keep', url, threads, input);
  const run = () => model.run([input]);
  return {
    about: { loadMs, wasmBytes: runtime.wasmBytes },
    run,
    async output() {
      const [data] = await run();
      return Float32Array.from(data);
    },
    async measure(ms) {
      return { invoke: await bare.call('time', ms), whole: summary(await timesFor(run, ms / 2)) };
    },
    /** What the plan's steps are, and the limits that a profile measures. */
    async details() {
      const { layers, peak, arenaBytes, weightBytes, initMs } = await model.profile({ runs: 3 });
      return {
        peak, arenaBytes, weightBytes, initMs,
        steps: layers.map(({ op, kernel, macs, bytes, ms }) => ({ op, kernel, macs, bytes, ms: ms.median })),
      };
    },
    close() {
      bare.close();
      model.dispose();
    },
  };
}
