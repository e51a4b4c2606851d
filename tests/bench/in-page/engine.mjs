/**
 * A worker with one build of the runtime and no package around it: for what the package does not offer.
 * Answers {what: a function below, args} with {result} or {error}.
 */

import { summary, timesFor } from './timing.mjs';

let glue;

const functions = {
  /** Loads a build and starts its threads. */
  async start(build, threads) {
    glue = await import(`/octomask/wasm/${build}/octomask.js`);
    await glue.default({ module_or_path: `/octomask/wasm/${build}/octomask_bg.wasm` });
    if (threads > 1) await glue.initThreadPool(threads - 1);
  },

  limits: (threads) => glue.measureLimits(threads),

  /** Networks of one operator: [{ms, macs, bytes, kernel} or {problem}], each on one thread. */
  async layers(urls, ms) {
    const results = [];
    for (const url of urls) {
      try {
        results.push(await layer(url, ms));
      } catch (error) {
        results.push({ problem: error?.message ?? String(error) });
      }
    }
    return results;
  },

  /**
   * {pass: {median, ratio}}: how long a model takes without each pass, and how many times as long as with
   * all of them. One thread; interleaved. `with` is the time with all.
   */
  async ablation(url, rounds, ms) {
    const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
    const passes = glue.passes();
    const variants = [[], ...passes.map((pass) => [pass])];
    const models = variants.map((without) => glue.WasmModel.load(bytes, 1, undefined, undefined, without));
    const times = models.map(() => []);
    for (const model of models) await timesFor(() => model.run(), 2 * ms, 2);
    for (let round = 0; round < rounds; round++) {
      for (const [i, model] of models.entries()) {
        times[i].push(summary(await timesFor(() => model.run(), ms, 1)).median);
      }
    }
    for (const model of models) model.free();
    const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
    return {
      with: median(times[0]),
      without: Object.fromEntries(passes.map((pass, i) => [pass, {
        median: median(times[i + 1]),
        ratio: median(times[i + 1].map((t, r) => t / times[0][r])),
      }])),
    };
  },
};

async function layer(url, ms) {
  const model = glue.WasmModel.load(new Uint8Array(await (await fetch(url)).arrayBuffer()), 1);
  try {
    for (const [i, { shape }] of model.inputs().entries()) {
      const size = shape.reduce((a, b) => a * b, 1);
      model.setInput(i, Float32Array.from({ length: size }, (_, k) => ((k * 7919) % 1009) / 1009 - 0.5));
    }
    // Many calls between two looks at the clock, whose steps are 5 µs.
    let calls = 1;
    const many = () => {
      for (let i = 0; i < calls; i++) model.run();
    };
    for (let spent = 0; spent < 1; calls *= 2) {
      const start = performance.now();
      many();
      spent = performance.now() - start;
    }
    await timesFor(many, ms / 2, 3);
    const { median } = summary(await timesFor(many, ms, 5));
    const steps = model.layers();
    const sum = (pick) => steps.reduce((total, step) => total + pick(step), 0);
    return { ms: median / calls, macs: sum((s) => s.macs), bytes: sum((s) => s.bytes), kernel: steps.map((s) => s.kernel).join(' + ') };
  } finally {
    model.free();
  }
}

globalThis.onmessage = async ({ data: { what, args } }) => {
  try {
    globalThis.postMessage({ result: await functions[what](...args) });
  } catch (error) {
    globalThis.postMessage({ error: error?.message ?? String(error) });
  }
};
