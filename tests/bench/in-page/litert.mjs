/** Runs in an iframe: LiteRT.js, which keeps one global instance per realm. */

import { Tensor, getGlobalLiteRt, loadAndCompile, loadLiteRt } from '@litertjs/core';

let model;
let tensor;

globalThis.peer = {
  /** `threads`: 1 for the build without threads. */
  async start(threads) {
    await loadLiteRt('/litert/core/wasm/', { threads: threads > 1 });
    return getGlobalLiteRt().liteRtWasm.getThreadCount?.() ?? 1;
  },

  async load(url, input, shape, threads) {
    model?.delete();
    tensor?.delete();
    model = await loadAndCompile(url, { accelerator: 'wasm', cpuOptions: { numThreads: threads } });
    // A copy of this realm: the class is asked for.
    tensor = new Tensor(Float32Array.from(input), shape);
  },

  /** Milliseconds of each of `runs` invocations: reading the result is not counted. */
  async measure(runs, warmup) {
    const times = [];
    for (let i = -warmup; i < runs; i++) {
      const start = performance.now();
      const outputs = await model.run([tensor]);
      const ms = performance.now() - start;
      for (const output of outputs) output.delete();
      if (i >= 0) times.push(ms);
    }
    return times;
  },

  async output() {
    const outputs = await model.run([tensor]);
    const data = Float32Array.from(await outputs[0].data());
    for (const output of outputs) output.delete();
    return data;
  },
};
globalThis.peerReady?.();
