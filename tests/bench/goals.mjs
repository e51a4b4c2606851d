/** What is to be reached, and what a run reached: one row each, never only as a mean. */

import { brotliCompressSync, constants } from 'node:zlib';
import { readFileSync } from 'node:fs';
import { at } from '../browser/tools.mjs';
import { counts, figure, find, geometricMean, median, nativeMs, ours, ratio, stage } from './figures.mjs';
import { markdown } from './report.mjs';

const times = (x) => `${x.toFixed(2)}x`;
const percent = (x) => `${Math.round(100 * x)} %`;
const short = (model) => model.name.replace('selfie_segmentation', 'selfie').replace(/_(\d+)/, ' $1').replaceAll('_', ' ');

/** Bytes under brotli of each build's .wasm. */
export function wasmSizes() {
  return Object.fromEntries(['simd', 'simd-threads', 'relaxed', 'relaxed-threads'].map((build) => {
    const wasm = readFileSync(at(`target/wasm/${build}/octomask_bg.wasm`));
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: wasm.length };
    return [build, brotliCompressSync(wasm, { params }).length];
  }));
}

/** [[model, ratio]] of our build against something else, where both gave the right result. */
function against(models, threads, slowness) {
  return models.flatMap((model) => {
    const us = ours(model.entries, threads);
    const x = counts(us) ? slowness(model, us) : undefined;
    return x === undefined ? [] : [[model, x]];
  });
}

const peer = (runtime, threads) => (model, us) => {
  const other = find(model.entries, { runtime, threads });
  return counts(other) ? ratio(us, other) : undefined;
};
const native = (threads) => (model, us) => {
  const ms = nativeMs(model, threads);
  return ms && ms / figure(us).typical;
};

const each = (pairs, show = times) => pairs.map(([model, x]) => `${short(model)} ${show(x)}`).join(', ');

function speed(what, goal, pairs, reached) {
  if (pairs.length === 0) return [what, goal, 'not measured', ''];
  const mean = geometricMean(pairs.map(([, x]) => x));
  const least = Math.min(...pairs.map(([, x]) => x));
  return [what, goal, `${reached(mean, least) ? 'yes' : 'no'}: ${times(mean)}, least ${times(least)}`, each(pairs)];
}

/** The table of goals: {models, cores, frames, firstMask, wasm} are parts of a run's results. */
export function goals({ models, cores, frames, firstMask, wasm }) {
  const floats = models.filter((m) => m.form === 'float32');
  const int8 = models.filter((m) => m.form === 'int8');
  const rows = [
    speed('invoke, float32, 1 thread, against LiteRT.js', 'mean 3.0x, none under 2.0x',
      against(floats, 1, peer('litert', 1)), (mean, least) => mean >= 3 && least >= 2),
    speed(`invoke, float32, ${cores} threads, against LiteRT.js with threads`, 'mean 4.0x',
      against(floats, cores, peer('litert', cores)), (mean) => mean >= 4),
    ...[1, cores].map((threads) => speed(`invoke against native TFLite, ${threads} thread${threads > 1 ? 's' : ''}`, 'none under 1.0x',
      against(models, threads, native(threads)), (_, least) => least >= 1)),
  ];
  const shares = floats.filter((m) => m.bounds && counts(ours(m.entries, 1)))
    .map((m) => [m, m.bounds['1'].arithmetic / figure(ours(m.entries, 1)).typical]);
  const share = shares.length && Math.min(...shares.map(([, x]) => x));
  rows.push(['share of the multiply-add peak, float32, 1 thread', 'at least 70 %',
    shares.length ? `${share >= 0.7 ? 'yes' : 'no'}: least ${percent(share)}` : 'not measured', each(shares, percent)]);
  const own = against(int8, 1, (model, us) => {
    const float = floats.find((m) => `${m.name}_int8` === model.name);
    const same = float && ours(float.entries, 1);
    return counts(same) ? figure(same).typical / figure(us).typical : undefined;
  });
  rows.push(speed('int8 against our own float32, 1 thread', '1.4x', own, (mean) => mean >= 1.4));
  rows.push(speed('int8, 1 thread, against LiteRT.js', 'mean 3.5x', against(int8, 1, peer('litert', 1)), (mean) => mean >= 3.5));
  const beyond = (frames ?? []).flatMap(({ title, entries }) =>
    entries.filter((e) => e.runtime === 'octomask-segmenter' && counts(e)).map((e) => {
      const infer = stage(e, 'infer');
      return [`${title.replace(/.* (\d+x\d+), frames of/, '$1 of')} ${e.source ?? 'canvas'} on ${e.threads}`, figure(e).typical / infer - 1];
    }));
  const most = Math.max(...beyond.map(([, x]) => x));
  rows.push(['frame to mask beyond invoke', 'at most 15 %', beyond.length ? `${most <= 0.15 ? 'yes' : 'no'}: at most ${percent(most)}` : 'not measured',
    beyond.map(([what, x]) => `${what} ${percent(x)}`).join(', ')]);
  const largest = Math.max(...Object.values(wasm));
  rows.push(['.wasm under brotli', 'at most 250 KiB a build', `${largest <= 250 * 1024 ? 'yes' : 'no'}: ${(largest / 1024).toFixed(0)} KiB`,
    Object.entries(wasm).map(([build, bytes]) => `${build} ${(bytes / 1024).toFixed(0)}`).join(', ')]);
  if (firstMask) {
    const s = median(firstMask.times) / 1e3;
    rows.push(['page opened to first mask, cached files', 'at most 0.5 s', `${s <= 0.5 ? 'yes' : 'no'}: ${s.toFixed(2)} s`,
      `${(Math.min(...firstMask.times) / 1e3).toFixed(2)} to ${(Math.max(...firstMask.times) / 1e3).toFixed(2)} s, ${firstMask.build}`]);
  }
  const memories = (frames ?? []).flatMap(({ entries }) => entries.filter((e) => e.details?.memory).map((e) => e.details));
  if (memories.length) {
    const grown = Math.max(...memories.map(({ memory: [first, last] }) => last - first));
    const least = Math.min(...memories.map((m) => m.frames));
    rows.push(['WebAssembly memory after many frames', 'what it was after the first', grown === 0 ? 'yes' : `no: ${grown} bytes more`,
      `at least ${least} frames each; ${(Math.max(...memories.map(({ memory }) => memory[1])) / 2 ** 20).toFixed(1)} MiB at most`]);
  }
  return markdown(['what', 'goal', 'reached', 'each'], rows, 4);
}
