/**
 * `make bench`: all runtimes on the same models and inputs, interleaved in one page of Chromium; TFLite outside
 * of the browser right before and after; the limits of browser and device.
 *
 *     node tests/bench/bench.mjs [--quick] [--models NAME,...] [--runtimes NAME,...] [--rounds N] [--ms N]
 *
 * `target/bench` must have the models: `make bench` sees to that. A whole run writes tests/bench/results and the
 * README's summary; a part is printed only. `others.mjs` adds other browsers. Ends with 1 when Octomask's result differs from TFLite's.
 */

import { cpus } from 'node:os';
import { launch, openPage } from '../browser/chromium.mjs';
import { report } from './document.mjs';
import { counts, ours } from './figures.mjs';
import { firstMask, pages } from './first_mask.mjs';
import { wasmSizes } from './goals.mjs';
import { bestOf, bounds, measureLimits } from './limits.mjs';
import { busyShare } from './machine.mjs';
import { measureModel, measureNative } from './measure.mjs';
import { readOptions } from './options.mjs';
import { reason } from './report.mjs';
import { publish } from './results.mjs';
import { serveBench, versions } from './server.mjs';

const FLOAT = 4; // bytes
const log = (line) => process.stderr.write(`  ${line}\n`);

/** WebGL without a graphics card, for MediaPipe. */
const SOFTWARE_GL = ['--use-angle=swiftshader', '--enable-unsafe-swiftshader'];

/** Everything that is measured in Chromium. */
async function measureChromium(options) {
  const server = await serveBench({ cache: true, pages });
  const browser = await launch({ camera: 'none', args: SOFTWARE_GL });
  try {
    const page = await openPage(browser, server.url);
    page.setDefaultTimeout(0);
    const evaluate = (f, ...args) => page.evaluate(`(${f})(...${JSON.stringify(args)})`);
    const result = { browser: `Chromium ${browser.version()}`, models: [], frames: [] };
    log('limits, before');
    const before = await measureLimits(evaluate, options.contenders);
    for (const model of options.models) {
      const busy = await busyShare();
      const entries = await measureModel(evaluate, model, options, log);
      result.models.push({ name: model.name, title: model.title, form: model.form, busy, entries });
    }
    log('limits, after');
    result.limits = bestOf(before, await measureLimits(evaluate, options.contenders));
    for (const [i, model] of options.models.entries()) setBounds(result.models[i], model, result.limits);
    const selfies = options.segmenters.length ? options.models.filter((m) => m.name.startsWith('selfie')) : [];
    for (const model of selfies) {
      for (const frame of options.frames) {
        const title = `${model.title}, frames of ${frame.width}x${frame.height}`;
        const contenders = options.segmenters;
        const entries = await measureModel(evaluate, { ...model, frame }, { ...options, contenders, rounds: options.fewer }, log);
        result.frames.push({ title, entries });
      }
    }
    if (options.segmenters.length) result.firstMask = await firstMask(page, server.url);
    return result;
  } finally {
    await browser.close();
    server.close();
  }
}

/** Adds {threads: bounds} of our builds; the steps' times are too many to be kept. */
function setBounds(measured, model, limits) {
  measured.bounds = {};
  for (const entry of measured.entries) {
    const { details } = entry;
    delete entry.details;
    if (!details?.steps || entry !== ours(measured.entries, entry.threads)) continue;
    const edges = FLOAT * (model.elements.input + model.elements.output);
    measured.bounds[entry.threads] = bounds(details, edges, limits[`${entry.build} ${entry.threads}`]);
  }
}

const options = readOptions();
const threadCounts = [...new Set(options.contenders.map((c) => c.threads))];
const about = {
  date: new Date().toISOString().slice(0, 16).replace('T', ' '),
  cpu: cpus()[0].model.trim(),
  cores: options.cores,
  rounds: options.rounds,
  ms: options.ms,
  versions: versions(),
};
log('native TFLite, before');
const before = measureNative(options.models, threadCounts, options.ms);
const measured = await measureChromium(options);
log('native TFLite, after');
const after = measureNative(options.models, threadCounts, options.ms);
for (const model of measured.models) model.native = { before: before[model.name], after: after[model.name] };
const results = { ...about, ...measured, others: [], wasm: wasmSizes() };

console.log(report(results));
if (options.whole) publish(results);
const wrong = results.models.flatMap((m) => m.entries.filter((e) => e.runtime === 'octomask' && !counts(e)).map((e) => `${e.id} on ${m.name}: ${reason(e)}`));
if (wrong.length > 0) {
  console.error(wrong.join('\n'));
  process.exitCode = 1;
}
