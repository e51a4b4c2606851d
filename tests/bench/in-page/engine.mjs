/**
 * A worker with one build of the runtime and no package around it: for what the package does not offer.
 * Answers {what: a function below, args} with {result} or {error}.
 */

import { summary, timesFor } from './timing.mjs';

let glue;
let kept; // a model that is timed again and again

const functions = {
  /** Loads a build and starts its threads. */
  async start(build, threads) {
    glue = await import(`/octomask/wasm/${build}/octomask.js`);
    await glue.default({ module_or_path: `/octomask/wasm/${build}/octomask_bg.wasm` });
    if (threads > 1) await glue.initThreadPool(threads - 1);
  },

  /** Loads the model that `time` runs. */
  async keep(url, threads, input) {
    kept = glue.WasmModel.load(new Uint8Array(await (await fetch(url)).arrayBuffer()), threads);
    kept.setInput(0, input);
  },

  /** Runs it for about `ms`: a summary. */
  time: async (ms) => summary(await timesFor(() => kept.run(), ms)),

  limits: (threads) => glue.measureLimits(threads),

  /**
   * Networks of one operator: [{ms, macs, bytes, kernel} or {problem}], each on one thread; the least time of
   * two rounds, the first of which may meet code that the browser has not compiled well yet.
   */
  async layers(urls, ms) {
    const results = [];
    for (let round = 0; round < 2; round++) {
      for (const [i, url] of urls.entries()) {
        try {
          const now = await layer(url, ms);
          results[i] = results[i] && results[i].ms < now.ms ? results[i] : now;
        } catch (error) {
          results[i] = { problem: error?.message ?? String(error) };
        }
      }
    }
    return results;
  },

  /**
   * How true profiles of a model are: {run: ms, overhead, rounds: [{sum, own, apart, layer, part, layers, drift}],
   * repeated, method, clock}. `run` is the median run with profiling off, of those that nothing disturbed, and
   * `overhead` how many times as long one is with it on, in turn. Each round takes two profiles, one after the other:
   * `sum` is what the medians of the layers of the first add up to, in `run`s just before and after, `own` in the runs
   * of that profile; of the layers over `over` ms in either, `layers` many, `layer` differs most: by `apart`, of the
   * longer one. `part` is the same for times as parts of their profile's run, which do not depend on how fast the
   * machine is just then. Where runs without a profile, before, between and after, differ by more than `steady`, it is
   * the machine that changed: such a round is repeated, `tries` times at most, `repeated` times in all.
   */
  async profiles(url, threads, { rounds, ms, runs, over, steady, tries }) {
    const model = glue.WasmModel.load(new Uint8Array(await (await fetch(url)).arrayBuffer()), threads);
    const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
    // Many runs between two looks at the clock, where its steps are long.
    let calls = 1;
    const many = (on) => {
      model.timeSteps(on);
      return async () => {
        for (let i = 0; i < calls; i++) {
          model.run();
          if (on) model.stepMs();
        }
      };
    };
    const once = async (on) => summary(await timesFor(many(on), ms, 4));
    try {
      while ((await once(false)).min < 5) calls *= 2;
      await once(true);
      const off = [], on = [];
      for (let round = 0; round < 3 * rounds; round++) {
        off.push(await once(false));
        on.push(await once(true));
      }
      const found = [];
      let profile;
      let repeated = 0;
      while (found.length < rounds) {
        const plain = async () => {
          const { quiet } = summary(await timesFor(many(false), 3 * ms));
          model.timeSteps(false);
          return quiet / calls;
        };
        const around = [await plain()];
        profile = model.profile(runs, 3);
        around.push(await plain());
        const again = model.profile(runs, 3);
        around.push(await plain());
        const drift = Math.max(...around) / Math.min(...around) - 1;
        if (drift > steady && repeated < tries) {
          repeated++;
          continue;
        }
        const apart = ([a, b]) => 1 - Math.min(a, b) / Math.max(a, b);
        const totals = [profile, again].map(({ totalMs }) => totalMs.median);
        const layers = profile.layers.map((layer, i) => {
          const both = [layer.ms.median, again.layers[i].ms.median];
          return { name: `${layer.index} ${layer.op}`, most: Math.max(...both), apart: apart(both), part: apart(both.map((ms, k) => ms / totals[k])) };
        }).filter(({ most }) => most > over);
        const worst = layers.reduce((a, b) => (b.apart > a.apart ? b : a), { apart: 0, name: '' });
        const sum = profile.layers.reduce((total, layer) => total + layer.ms.median, 0);
        found.push({
          sum: sum / ((around[0] + around[1]) / 2),
          own: sum / totals[0],
          apart: worst.apart,
          layer: worst.name,
          part: Math.max(0, ...layers.map(({ part }) => part)),
          layers: layers.length,
          drift,
        });
      }
      return {
        run: median(off.map((t) => t.quiet)) / calls,
        overhead: median(on.map((t, i) => t.quiet / off[i].quiet)),
        rounds: found,
        repeated,
        method: profile.method,
        clock: profile.clockResolutionMs,
      };
    } finally {
      model.free();
    }
  },

  /**
   * {with: ms, without: {pass: {median, ratio, best}}}: how long a model takes with all passes and without each,
   * and how many times as long: the median of the rounds' ratios, and the ratio of the best times. One thread;
   * interleaved.
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
        times[i].push(summary(await timesFor(() => model.run(), ms, 1)));
      }
    }
    for (const model of models) model.free();
    const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
    const typical = (list) => median(list.map((t) => t.median));
    const least = (list) => Math.min(...list.map((t) => t.min));
    return {
      with: typical(times[0]),
      without: Object.fromEntries(passes.map((pass, i) => [pass, {
        median: typical(times[i + 1]),
        ratio: median(times[i + 1].map((t, r) => t.median / times[0][r].median)),
        best: least(times[i + 1]) / least(times[0]),
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
    const { min } = summary(await timesFor(many, ms, 5));
    const steps = model.layers();
    const sum = (pick) => steps.reduce((total, step) => total + pick(step), 0);
    return { ms: min / calls, macs: sum((s) => s.macs), bytes: sum((s) => s.bytes), kernel: steps.map((s) => s.kernel).join(' + ') };
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
