/**
 * `make bench ABLATION=1`: how long each model takes without each graph pass, against with all of them; one
 * thread, in Chromium, interleaved.
 *
 *     node tests/bench/ablation.mjs [--models NAME,...] [--build relaxed] [--rounds N] [--ms N]
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { launch, openPage } from '../browser/chromium.mjs';
import { at } from '../browser/tools.mjs';
import { markdown } from './report.mjs';
import { serveBench } from './server.mjs';

const { values } = parseArgs({
  options: {
    models: { type: 'string', default: '' },
    build: { type: 'string', default: 'relaxed' },
    rounds: { type: 'string', default: '5' },
    ms: { type: 'string', default: '60' },
  },
});
const wanted = values.models.split(',');
const models = JSON.parse(readFileSync(at('target/bench/models.json'), 'utf8'))
  .filter((m) => wanted.some((name) => m.name.startsWith(name)));

const server = await serveBench();
const browser = await launch({ camera: 'none' });
const results = [];
try {
  const page = await openPage(browser, server.url);
  page.setDefaultTimeout(0);
  for (const model of models) {
    process.stderr.write(`  ${model.name}\n`);
    const result = await page.evaluate(
      async (args) => (await import('/bench/engine-client.mjs')).ask(...args),
      [values.build, 1, 'ablation', `/target/${model.file}`, Number(values.rounds), Number(values.ms)],
    );
    results.push({ model, ...result });
  }
} finally {
  await browser.close();
  server.close();
}

const passes = Object.keys(results[0].without);
const rows = results.map(({ model, with: all, without }) => [
  model.title,
  all.toFixed(2),
  ...passes.map((pass) => `${without[pass].median.toFixed(2)} (${without[pass].ratio.toFixed(2)}x, ${without[pass].best.toFixed(2)}x)`),
]);
const text = `# What each pass gains

${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC, ${cpus()[0].model.trim()}, Chromium ${browser.version()}, build ${values.build}, one thread.
ms with all passes, then with one of them left out, and how many times as long that takes: the median of the
ratios of ${values.rounds} rounds, and the ratio of the best times. What is near 1.00x makes no difference to that model's time.

${markdown(['', 'all passes, ms', ...passes.map((pass) => `without ${pass}`)], rows)}
`;
console.log(text);
if (!values.models) {
  mkdirSync(at('tests/bench/results'), { recursive: true });
  writeFileSync(at('tests/bench/results/ablation.md'), text);
}
