/**
 * One build of Octomask, through the package's public API. "Invoke" is the engine's run in its worker,
 * with a clock read between layers; "whole" is `model.run` as the page sees it, messages and copies included.
 */

import { loadModel } from '/octomask/index.js';
import { summary, timesFor } from '../timing.mjs';

export async function open({ model: url, input, threads, build }) {
  const start = performance.now();
  const model = await loadModel(url, { build, threads });
  const loadMs = performance.now() - start;
  const { runtime } = model;
  if (runtime.build !== build || runtime.threads !== threads) {
    throw new Error(`${runtime.build} on ${runtime.threads} threads: ${runtime.reason}`);
  }
  const run = () => model.run([input]);
  let profile;
  const invoke = async (runs) => {
    profile = await model.profile({ runs, warmup: 0 });
    const { min, median, p95 } = profile.totalMs;
    return { runs, min, median, p95 };
  };
  return {
    about: { loadMs, wasmBytes: runtime.wasmBytes },
    run,
    async output() {
      const [data] = await run();
      return Float32Array.from(data);
    },
    async measure(ms) {
      const guess = profile?.totalMs.median ?? (await invoke(3)).median;
      const runs = Math.min(2000, Math.max(4, Math.ceil(ms / guess)));
      return { invoke: await invoke(runs), whole: summary(await timesFor(run, ms / 2)) };
    },
    /** What the plan's steps are, and the limits that the profile measured. */
    async details() {
      const { layers, peak, arenaBytes, weightBytes, initMs } = profile;
      return {
        peak, arenaBytes, weightBytes, initMs,
        steps: layers.map(({ op, kernel, macs, bytes, ms }) => ({ op, kernel, macs, bytes, ms: ms.median })),
      };
    },
    close: () => model.dispose(),
  };
}
