/**
 * `make bench KERNELS=1`: each layer of layers.txt alone, in Chromium, on one thread: GFLOP/s and share of the
 * device's limits.
 *
 *     node tests/bench/kernels.mjs [--build relaxed] [--only TEXT] [--ms N]
 *
 * `--only` takes the lines that contain a text, or match a regular expression. The networks of one operator are in
 * target/bench/layers: `python tests/bench/layers.py build` makes them.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { launch, openPage } from '../browser/chromium.mjs';
import { at } from '../browser/tools.mjs';
import { bandwidthAt } from './limits.mjs';
import { markdown } from './report.mjs';
import { serveBench } from './server.mjs';

const { values } = parseArgs({
  options: {
    build: { type: 'string', default: 'relaxed' },
    only: { type: 'string' },
    ms: { type: 'string', default: '20' },
  },
});
const only = values.only && new RegExp(values.only);
const layers = JSON.parse(readFileSync(at('target/bench/layers/layers.json'), 'utf8'))
  .map((line, i) => ({ line, url: `/target/bench/layers/${i}.tflite` }))
  .filter(({ line }) => !only || only.test(line));

const server = await serveBench();
const browser = await launch({ camera: 'none' });
let results;
let limits;
try {
  const page = await openPage(browser, server.url);
  page.setDefaultTimeout(0);
  const ask = (...args) => page.evaluate(async (args) => (await import('/bench/engine-client.mjs')).ask(...args), args);
  limits = await ask(values.build, 1, 'limits', 1);
  results = await ask(values.build, 1, 'layers', layers.map((l) => l.url), Number(values.ms));
} finally {
  await browser.close();
  server.close();
}

/** Attributes without those that say nothing. */
function brief(line) {
  const dull = /^(dilation[HW]Factor=1|stride[HW]=1|depthMultiplier=1|fusedActivationFunction=NONE|alignCorners=0|halfPixelCenters=0|padding=\w+)$/;
  return line.split(' ').filter((word) => !dull.test(word)).join(' ');
}

const rows = results.map((result, i) => {
  const { line } = layers[i];
  if (result.problem) return { line, problem: result.problem };
  const gflops = (2 * result.macs) / result.ms / 1e6;
  const gbps = result.bytes / result.ms / 1e6;
  const share = Math.max(gflops / limits.gflops, gbps / bandwidthAt(limits.bandwidth, result.bytes));
  return { line, ...result, gflops, gbps, share };
});
const table = markdown(['layer', 'kernel', 'µs', 'GFLOP/s', 'GB/s', 'share of the limit'], rows.map((r) => (r.problem
  ? [brief(r.line), r.problem.replaceAll('|', '\\|'), '', '', '', '']
  : [brief(r.line), r.kernel, (1e3 * r.ms).toFixed(1), r.macs ? r.gflops.toFixed(1) : '', r.gbps.toFixed(1), `${Math.round(100 * r.share)} %`])), 2);
const text = `# Kernels alone

${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC, ${cpus()[0].model.trim()}, Chromium ${browser.version()}, build ${values.build},
one thread; multiply-adds in registers ${limits.gflops.toFixed(1)} GFLOP/s. The layers of the bench's float32 models, each
shape once; each is called again and again on the same data; least times. The limit: multiply-adds at that peak, or
copying at the bandwidth of a working set of the layer's size, whichever is nearer.

${table}
`;
console.log(text);
if (!only) {
  mkdirSync(at('tests/bench/results'), { recursive: true });
  writeFileSync(at('tests/bench/results/kernels.md'), text);
}
