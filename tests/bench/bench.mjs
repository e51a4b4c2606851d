/**
 * `make bench`: LiteRT.js and Octomask in one page of Chromium, on both selfie models.
 *
 *     node tests/bench/bench.mjs [--rounds N] [--runs N] [--warmup N]
 *
 * Writes tests/bench/results/selfie.json, .md and .svg, and prints the tables and the ratios. Ends
 * with 1 when a contender's result differs from TFLite's: a wrong answer cannot win.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { launch, openPage } from '../browser/chromium.mjs';
import { servePackage } from '../browser/package.mjs';
import { at } from '../browser/tools.mjs';
import { chart } from './chart.mjs';

const TOLERANCE = 1e-3;
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    runs: { type: 'string', default: '50' },
    warmup: { type: 'string', default: '50' },
  },
});
const [rounds, runs, warmup] = [values.rounds, values.runs, values.warmup].map(Number);
const cores = cpus().length;

const litert = at('tests/bench/node_modules/@litertjs');
const litertVersion = JSON.parse(readFileSync(join(litert, 'core/package.json'), 'utf8')).version;
const IMPORTS = {
  '@litertjs/core': '/litert/core/dist/index.js',
  '@litertjs/wasm-utils': '/litert/wasm-utils/dist/index.js',
};
const PEER = `<!doctype html><meta charset="utf-8"><title>Peer</title>
  <script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>
  <body><script type="module" src="/bench/litert.mjs"></script>`;

/** The picture of a person among the conformance cases, with TFLite's result. */
function models() {
  const folder = at('target/tests/conformance/models');
  const cases = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8'));
  return ['selfie_segmentation', 'selfie_segmentation_landscape'].map((name) => {
    const c = cases.find((c) => c.name === `${name}.tflite, person`);
    const url = (file) => `/conformance/models/${file}`;
    const shape = name.endsWith('landscape') ? [1, 144, 256, 3] : [1, 256, 256, 3];
    return { name, model: url(c.model), input: url(c.inputs[0]), output: url(c.outputs[0]), shape };
  });
}

async function measure() {
  const server = await servePackage({
    folders: { '/litert/': litert, '/bench/': at('tests/bench/in-page') },
    pages: { '/litert.html': PEER },
  });
  const browser = await launch({ camera: 'none' });
  try {
    const page = await openPage(browser, server.url);
    page.setDefaultTimeout(0);
    await page.exposeFunction('log', (line) => process.stderr.write(`  ${line}\n`));
    const results = await page.evaluate(
      async (options) => (await import('/bench/bench.mjs')).bench({ ...options, log: globalThis.log }),
      { models: models(), cores, rounds, runs, warmup, tolerance: TOLERANCE },
    );
    return { browser: `Chromium ${browser.version()}`, results };
  } finally {
    await browser.close();
    server.close();
  }
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

/** One figure per contender: the median over rounds of the rounds' medians. */
function figures({ entries }) {
  return entries.map((entry) => {
    const over = (pick) => median(entry.rounds.map(pick));
    const peer = entries.find((e) => e.library === 'litert' && e.threads === entry.threads);
    // Round by round, so that what slowed the machine down slowed both.
    const ratio = median(entry.rounds.map((r, i) => peer.rounds[i].invoke.median / r.invoke.median));
    const least = (e) => Math.min(...e.rounds.map((r) => r.invoke.min));
    return {
      ...entry,
      median: over((r) => r.invoke.median),
      p95: over((r) => r.invoke.p95),
      best: least(entry),
      bestRatio: least(peer) / least(entry),
      whole: entry.rounds[0].whole && over((r) => r.whole.median),
      ratio,
    };
  });
}

function table(model) {
  const rows = figures(model).map((f) => [
    f.name,
    f.threads,
    f.median.toFixed(2),
    f.p95.toFixed(2),
    f.best.toFixed(2),
    f.whole === undefined ? '' : f.whole.toFixed(2),
    f.right ? `${f.ratio.toFixed(2)}x` : 'WRONG RESULT',
    f.right ? `${f.bestRatio.toFixed(2)}x` : '',
    f.error.toExponential(1),
  ]);
  const head = ['', 'threads', 'invoke, median ms', 'p95', 'best', 'whole call', 'against LiteRT.js', 'best against best', 'error'];
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [`### ${model.model}`, '', line(head), line(head.map((_, i) => (i ? '--:' : '---'))), ...rows.map(line), ''].join('\n');
}

/**
 * Geometric means over the models, of the build that the package takes by itself in this browser:
 * the faster of two would be chosen by noise, and always upwards.
 */
function summaryLine(results, threads) {
  const build = threads > 1 ? 'relaxed-threads' : 'relaxed';
  const ours = (pick) => results.map((model) => {
    const figure = figures(model).find((f) => f.build === build && f.threads === threads);
    return figure.right ? pick(figure) : 0;
  });
  const mean = (list) => Math.exp(list.reduce((sum, r) => sum + Math.log(r), 0) / list.length).toFixed(2);
  const ratios = ours((f) => f.ratio);
  const each = ratios.map((r, i) => `${results[i].model} ${r.toFixed(2)}`).join(', ');
  return `At ${threads} thread${threads > 1 ? 's' : ''} Octomask ${build} is ${mean(ratios)} times as fast as LiteRT.js (${each}); by best times ${mean(ours((f) => f.bestRatio))}.`;
}

const load = loadavg()[0];
const { browser, results } = await measure();
const octomask = JSON.parse(readFileSync(at('www/package.json'), 'utf8')).version;
const about = {
  date: new Date().toISOString().slice(0, 10),
  cpu: cpus()[0].model.trim(),
  cores,
  loadBefore: Number(load.toFixed(2)),
  browser,
  octomask,
  litert: litertVersion,
  rounds,
  runs,
  warmup,
};
const lines = [1, ...(cores > 1 ? [cores] : [])].map((threads) => summaryLine(results, threads));
const report = `# Octomask and LiteRT.js, side by side

![Milliseconds per run](selfie.svg)

${about.date}, ${about.cpu}, ${cores} cores, load ${about.loadBefore} before; ${browser}; LiteRT.js ${litertVersion},
Octomask ${octomask}. ${rounds} rounds, in each every contender in turn: ${warmup} runs to warm up, then ${runs}.

Invoke is the network alone: of LiteRT.js, \`model.run\` in the page without reading the result; of Octomask, the
engine's run in its worker, with a clock read between layers. "Whole call" is Octomask's \`model.run\` as the page sees
it, with both messages and copies. Figures are medians over rounds, ratios are taken round by round at the same number
of threads; "best against best" is what is left of them when other programs kept the machine busy. "Error" is the largest difference from TFLite's interpreter.

${results.map(table).join('\n')}
${lines.join('\n')}
`;
mkdirSync(at('tests/bench/results'), { recursive: true });
writeFileSync(at('tests/bench/results/selfie.json'), `${JSON.stringify({ ...about, results }, null, 1)}\n`);
writeFileSync(at('tests/bench/results/selfie.md'), report);
writeFileSync(at('tests/bench/results/selfie.svg'), chart(results.map((m) => ({ title: m.model, bars: figures(m) })), about));
console.log(report);
const wrong = results.flatMap((r) => r.entries.filter((e) => !e.right).map((e) => `${e.name} on ${r.model}`));
if (wrong.length > 0) {
  console.error(`Results that differ from TFLite's by more than ${TOLERANCE}: ${wrong.join(', ')}`);
  process.exitCode = 1;
}
