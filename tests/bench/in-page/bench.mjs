/**
 * Runs in the page: all contenders, interleaved. Each is measured in rounds, and in each round one
 * after the other, so that a machine that changes its speed changes it for all.
 */

import { loadModel } from '/octomask/index.js';

/** The elements of a float32 .npy file. */
async function readNpy(url) {
  const bytes = await (await fetch(url)).arrayBuffer();
  return new Float32Array(bytes, 10 + new DataView(bytes).getUint16(8, true));
}

/** LiteRT.js in an iframe of its own. */
class LiteRt {
  constructor(threads) {
    this.threads = threads;
    this.name = threads > 1 ? 'LiteRT.js, threads' : 'LiteRT.js';
    this.library = 'litert';
  }

  async start() {
    const frame = document.createElement('iframe');
    frame.src = '/litert.html';
    await new Promise((resolve, reject) => {
      frame.onload = resolve;
      frame.onerror = reject;
      document.body.append(frame);
    });
    const end = Date.now() + 30_000;
    while (!frame.contentWindow.peer) {
      if (Date.now() > end) throw new Error('LiteRT.js did not load');
      await new Promise((r) => setTimeout(r, 20));
    }
    this.peer = frame.contentWindow.peer;
    this.pool = await this.peer.start(this.threads);
  }

  async load(url, input, shape) {
    // A typed array of the iframe's own realm.
    await this.peer.load(url, input, shape, this.threads);
  }

  async measure(runs, warmup) {
    return { invoke: await this.peer.measure(runs, warmup) };
  }

  output() {
    return this.peer.output();
  }
}

/** One build of Octomask, through the package's public API. */
class Octomask {
  constructor(build, threads) {
    this.build = build;
    this.threads = threads;
    this.name = `Octomask ${build}`;
    this.library = 'octomask';
  }

  async start() {}

  async load(url, input) {
    this.model?.dispose();
    this.input = input;
    this.model = await loadModel(url, { build: this.build, threads: this.threads });
    const { build, threads, reason } = this.model.runtime;
    if (build !== this.build || threads !== this.threads) throw new Error(`${build} at ${threads}: ${reason}`);
  }

  async measure(runs, warmup) {
    // The clock is read between layers while this is measured.
    const { totalMs } = await this.model.profile({ runs, warmup });
    const whole = [];
    for (let i = 0; i < runs; i++) {
      const start = performance.now();
      await this.model.run([this.input]);
      whole.push(performance.now() - start);
    }
    return { invoke: totalMs, whole };
  }

  async output() {
    return (await this.model.run([this.input]))[0];
  }
}

function summary(times) {
  if (!Array.isArray(times)) return { min: times.min, median: times.median, p95: times.p95 };
  const sorted = times.toSorted((a, b) => a - b);
  const at = (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
  return { min: sorted[0], median: at(0.5), p95: at(0.95) };
}

/**
 * Measures every contender on every model: `models` is [{name, model, input, shape, output}] with
 * addresses of the model, its input and TFLite's result.
 */
export async function bench({ models, cores, rounds, runs, warmup, tolerance, log }) {
  const contenders = [new LiteRt(1), new Octomask('simd', 1), new Octomask('relaxed', 1)];
  if (cores > 1) {
    contenders.push(new LiteRt(cores), new Octomask('simd-threads', cores), new Octomask('relaxed-threads', cores));
  }
  for (const contender of contenders) await contender.start();
  const results = [];
  for (const { name, model, input, shape, output } of models) {
    const x = await readNpy(input);
    const want = await readNpy(output);
    const entries = [];
    for (const contender of contenders) {
      await contender.load(model, x, shape);
      const got = await contender.output();
      const error = got.length === want.length ? got.reduce((m, v, i) => Math.max(m, Math.abs(v - want[i])), 0) : Infinity;
      const { name, library, build, threads, pool } = contender;
      entries.push({ name, library, build, threads, pool, error, right: error <= tolerance, rounds: [] });
    }
    for (let round = 0; round < rounds; round++) {
      for (const [i, contender] of contenders.entries()) {
        const { invoke, whole } = await contender.measure(runs, warmup);
        entries[i].rounds.push({ invoke: summary(invoke), ...(whole && { whole: summary(whole) }) });
      }
      log?.(`${name}: round ${round + 1} of ${rounds}`);
    }
    results.push({ model: name, entries });
  }
  return results;
}
