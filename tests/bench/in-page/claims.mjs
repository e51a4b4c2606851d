/** Runs in the page: the lab's experiments in Octomask, and the same model files in LiteRT.js. */

import { loadModel, openLab } from '/octomask/index.js';
import { openHost } from './bench.mjs';
import { settle, warm, within } from './timing.mjs';

const OPEN_MS = 60_000;
const ROUNDS = 9;
const ROUND_MS = 25;

let lab;

/** Starts the lab; gives its experiments. */
export async function start(build, threads) {
  lab = await openLab({ build, threads });
  return lab.experiments;
}

/** One experiment at its usual setup: [{name, ms, ratio, macs, bytes, parameters, fileBytes, peer: ms, problem}]. */
export async function experiment(name, threads) {
  const rows = await lab.run(name, {}, { rounds: 60, atMostMs: 5000 });
  const peers = [];
  for (const row of rows) peers.push(await openPeer(row, threads));
  const times = peers.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, { host }] of peers.entries()) {
      if (!host) continue;
      await settle();
      times[i].push((await host.measure(ROUND_MS)).invoke.median);
    }
  }
  const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
  const result = rows.map(({ file, ms, ...row }, i) => ({
    ...row,
    ms: ms.median,
    fileBytes: file.byteLength,
    peer: times[i].length > 0 ? median(times[i]) : null,
    problem: peers[i].problem,
  }));
  for (const { host, frame } of peers) {
    await host?.close();
    frame?.remove();
  }
  return result;
}

/** LiteRT.js with one block, warm; or the reason why not. */
async function openPeer(row, threads) {
  const model = await loadModel(row.file, { threads: 1 });
  const [{ shape, dtype }] = model.inputs;
  model.dispose();
  // What its interface takes: its own message is about the tensor, not the model.
  if (dtype !== 'float32') return { problem: `takes no ${dtype} inputs` };
  const url = URL.createObjectURL(new Blob([row.file]));
  const frame = await openHost();
  try {
    const { host } = frame.contentWindow;
    const input = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, k) => ((k * 7919) % 1009) / 1009 - 0.5);
    await within(OPEN_MS, 'opening', host.open({ runtime: 'litert', model: url, shape, input, threads }));
    await within(OPEN_MS, 'running', warm(async (ms) => (await host.measure(ms)).invoke, 1000, 50));
    return { host, frame };
  } catch (error) {
    frame.remove();
    return { problem: String(error?.message ?? error).split('\n')[0].slice(0, 120) };
  } finally {
    URL.revokeObjectURL(url);
  }
}
