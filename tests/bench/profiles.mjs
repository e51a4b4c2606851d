/**
 * `make bench PROFILES=1`: how true profiles are, in each browser: what the layers add up to against whole runs, how
 * far two profiles lie apart, and what profiling costs. Rounds in which the machine itself became faster or slower say
 * nothing of milliseconds; they are repeated, and counted. Parts of a run hold in them, too.
 *
 *     node tests/bench/profiles.mjs [--browsers chromium,firefox,webkit] [--models NAME,...] [--rounds N] [--runs N]
 *
 * With a part of the browsers or models it only prints.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { launch, openPage } from '../browser/chromium.mjs';
import { at } from '../browser/tools.mjs';
import { firefox, webkit } from '../browser/webdriver.mjs';
import { updateReadme } from './readme.mjs';
import { markdown } from './report.mjs';
import { serveBench } from './server.mjs';

const OVER_MS = 0.1;
const STEADY = 0.05;
const WITHIN = 0.1;
const TRIES = 8;
const MODELS = 'selfie,mobilenetv3_lraspp,unet_resnet';

const { values } = parseArgs({
  options: {
    browsers: { type: 'string', default: 'chromium,firefox,webkit' },
    models: { type: 'string', default: MODELS },
    rounds: { type: 'string', default: '3' },
    runs: { type: 'string', default: '60' },
  },
});
const wanted = values.models.split(',');
const models = JSON.parse(readFileSync(at('target/bench/models.json'), 'utf8'))
  .filter((m) => wanted.some((name) => m.name.startsWith(name)));

async function chromium(url) {
  const browser = await launch({ camera: 'none' });
  const page = await openPage(browser, url);
  page.setDefaultTimeout(0);
  return { evaluate: (f, ...args) => page.evaluate(`(${f})(...${JSON.stringify(args)})`), close: () => browser.close() };
}

const driven = (start) => async (url) => {
  const session = await start();
  await session.open(url);
  return session;
};

const threads = Math.min(2, cpus().length);
const BROWSERS = {
  chromium: { name: 'Chromium', open: chromium, builds: [['relaxed', 1], ['relaxed-threads', threads]] },
  firefox: { name: 'Firefox', open: driven(firefox), builds: [['simd', 1], ['simd-threads', threads]] },
  // No shared memory, and a clock of whole milliseconds.
  webkit: { name: 'WebKitGTK', open: driven(webkit), builds: [['simd', 1]] },
};

const server = await serveBench();
const rows = [];
for (const key of values.browsers.split(',')) {
  const { name, open, builds } = BROWSERS[key];
  for (const model of models) {
    for (const [build, threads] of builds) {
      process.stderr.write(`  ${name}, ${build}: ${model.name}\n`);
      const browser = await open(server.url);
      try {
        const result = await browser.evaluate(
          async (...args) => (await import('/bench/engine-client.mjs')).ask(...args),
          build, threads, 'profiles', `/target/${model.file}`, threads,
          { rounds: Number(values.rounds), runs: Number(values.runs), ms: 200, over: OVER_MS, steady: STEADY, tries: TRIES },
        );
        rows.push({ browser: name, build, threads, model, ...result });
      } finally {
        await Promise.resolve(browser.close()).catch(() => undefined);
      }
    }
  }
}
server.close();

const percent = (share) => `${(100 * share).toFixed(1)} %`;
const table = markdown(
  ['browser', 'build', 'threads', 'model', 'run, ms', 'profiling costs', 'layers add up to: of their runs', 'of runs before and after', 'two profiles: farthest apart', 'as parts of a run', 'layers over 0.1 ms', 'rounds repeated', 'clock, ms', 'layers timed'],
  rows.map(({ browser, build, threads, model, run, overhead, rounds, repeated, method, clock }) => [
    browser, build, threads, model.title, run.toFixed(2),
    percent(overhead - 1),
    rounds.map((r) => percent(r.own)).join(', '),
    rounds.map((r) => percent(r.sum)).join(', '),
    rounds.map((r) => `${percent(r.apart)} (${r.layer})`).join(', '),
    rounds.map((r) => percent(r.part)).join(', '),
    Math.max(...rounds.map((r) => r.layers)),
    repeated, clock.toFixed(3), method,
  ]),
  4,
);
const all = rows.flatMap((r) => r.rounds);
const steady = all.filter((r) => r.drift <= STEADY);
const within = (list) => `${list.filter((x) => x <= WITHIN).length} of ${list.length} pairs are within ${100 * WITHIN} %`;
const repeated = rows.reduce((sum, r) => sum + r.repeated, 0);
const middle = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
const range = (list) => `${percent(Math.min(...list))} to ${percent(Math.max(...list))}`;
const spread = (list) => `${percent(middle(list))} (median; at most ${percent(Math.max(...list))}; ${within(list)})`;
const summary = `Layers add up to ${range(all.map((r) => r.own))} of the runs they were timed in. Of two profiles in a row the layer over ${OVER_MS} ms that differs most differs by ${spread(all.map((r) => r.part))} as a part of the run; in milliseconds, where runs without a profile before, between and after differed by at most ${100 * STEADY} %, by ${spread(steady.map((r) => r.apart))}. Profiling makes a run ${percent(middle(rows.map((r) => r.overhead)) - 1)} longer (at most ${percent(Math.max(...rows.map((r) => r.overhead)) - 1)}). The machine changed its speed in ${repeated + all.length - steady.length} rounds, ${repeated} of which were repeated.`;
const where = `${new Date().toISOString().slice(0, 10)}, ${cpus()[0].model.trim()}. Times of layers are medians of at least ${values.runs} runs that nothing disturbed.`;
console.log(`${where}\n\n${table}\n\n${summary}`);
if (values.browsers.split(',').length === 3 && values.models === MODELS) {
  mkdirSync(at('tests/bench/results'), { recursive: true });
  writeFileSync(at('tests/bench/results/profiles.md'), `# How true profiles are\n\n${where}\n\n${table}\n\n${summary}\n`);
  updateReadme(`${where} ${summary}\n`, 'make bench PROFILES=1');
}
