/**
 * `make bench CLAIMS=1`: what the article claims, measured: the lab's experiments in Chromium on one thread, and the
 * same blocks in LiteRT.js. Writes tests/bench/results/claims.md and the README's table.
 *
 *     node tests/bench/claims.mjs [--only NAME,...] [--build relaxed]
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { launch, openPage } from '../browser/chromium.mjs';
import { at } from '../browser/tools.mjs';
import { CLAIMS } from './claims-text.mjs';
import { updateReadme } from './readme.mjs';
import { markdown } from './report.mjs';
import { serveBench, versions } from './server.mjs';

const { values } = parseArgs({ options: { only: { type: 'string' }, build: { type: 'string', default: 'relaxed' } } });

const server = await serveBench();
const browser = await launch({ camera: 'none' });
const results = [];
try {
  const page = await openPage(browser, server.url);
  page.setDefaultTimeout(0);
  const call = (name, ...args) => page.evaluate(async ([name, args]) => (await import('/bench/claims.mjs'))[name](...args), [name, args]);
  const experiments = await call('start', values.build, 1);
  for (const about of experiments.filter(({ name }) => !values.only || values.only.split(',').includes(name))) {
    process.stderr.write(`  ${about.name}\n`);
    results.push({ ...about, rows: await call('experiment', about.name, 1) });
  }
} finally {
  await browser.close();
  server.close();
}

const three = (value) => (value >= 99.5 ? value.toFixed(0) : value.toPrecision(3));
const times = (value) => `${value.toPrecision(value < 1 ? 2 : 3)}×`;
/** How many times as long as the first block. */
const ratio = (rows, i, key) => (rows[i][key] && rows[0][key] ? times(rows[i][key] / rows[0][key]) : '–');

const where = `${new Date().toISOString().slice(0, 10)}, ${cpus()[0].model.trim()}, Chromium ${browser.version()}, build ${values.build}, one thread, blocks of 64x64x32 unless they say otherwise; LiteRT.js ${versions()['LiteRT.js']} runs the same files. Medians; blocks ran in turn.`;

const whole = results.map(({ name, title, claim, rows }) => {
  const problems = [...new Set(rows.map((r) => r.problem).filter(Boolean))];
  return `## ${title}

The article: ${claim}

${markdown(['block', 'ms', 'times the first', 'LiteRT.js, ms', 'times the first', 'million multiply-adds', 'memory, KiB', 'parameters', 'file, KiB'], rows.map((r, i) => [
    r.name, r.ms.toFixed(3), ratio(rows, i, 'ms'), r.peer ? r.peer.toFixed(3) : '–', ratio(rows, i, 'peer'),
    three(r.macs / 1e6), three(r.bytes / 1024), r.parameters, three(r.fileBytes / 1024),
  ]))}
${problems.length > 0 ? `\nLiteRT.js: ${problems.join('; ')}.\n` : ''}
\`octomask lab ${name}\` and the page lab.html do the same on your device.
`;
});

/** All of a few, some of many. */
const some = (rows) => rows.map((_, i) => i).filter((i) => i > 0 && (rows.length <= 9 || i % 4 === 0));
const brief = (rows, key) => some(rows).map((i) => `${rows[i].name} ${ratio(rows, i, key)}`).join(', ');
const table = markdown(['the article', 'Octomask: time as part of the first block’s', 'LiteRT.js', 'so'], results.map(({ name, claim, rows }) => [
  claim,
  `${rows[0].name}: ${rows[0].ms.toFixed(3)} ms; ${brief(rows, 'ms')}`,
  rows[0].peer ? `${rows[0].peer.toFixed(3)} ms; ${brief(rows, 'peer')}` : '–',
  CLAIMS[name] ?? '',
]), 4);

console.log(whole.join('\n'));
if (!values.only) {
  mkdirSync(at('tests/bench/results'), { recursive: true });
  writeFileSync(at('tests/bench/results/claims.md'), `# The article's claims, measured\n\n${where}\n\n${whole.join('\n')}`);
  updateReadme(`${where}\n\n${table}\n`, 'make bench CLAIMS=1');
}
