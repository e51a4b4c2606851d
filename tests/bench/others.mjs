/**
 * The same in Firefox and WebKitGTK, as installed: fewer rounds, and only what each of them can run. Adds what it
 * measures to the results of the last whole run.
 *
 *     node tests/bench/others.mjs [--browsers firefox,webkit] [--models NAME,...] [--runtimes NAME,...] [--ms N]
 *
 * With a part of the models or runtimes it only prints.
 */

import { firefox, webkit } from '../browser/webdriver.mjs';
import { otherTable } from './document.mjs';
import { measureModel } from './measure.mjs';
import { readOptions } from './options.mjs';
import { load, publish } from './results.mjs';
import { serveBench } from './server.mjs';

const BROWSERS = {
  firefox: { name: 'Firefox', start: firefox, runs: () => true },
  // It has neither relaxed SIMD nor shared memory.
  webkit: { name: 'WebKitGTK', start: webkit, runs: (c) => c.threads === 1 && c.build !== 'relaxed' },
};

/** {name, date, agent, models: [{name, title, form, entries}]} of one browser. */
async function measure({ name, start, runs }, options) {
  const contenders = options.contenders.filter((c) => runs(c) && c.runtime !== 'tfjs-tflite');
  const server = await serveBench();
  const session = await start();
  try {
    await session.open(server.url);
    const agent = await session.evaluate(async () => navigator.userAgent);
    const evaluate = (f, ...args) => session.evaluate(f, ...args);
    const models = [];
    for (const model of options.models) {
      process.stderr.write(`  ${name}: ${model.name}\n`);
      const entries = await measureModel(evaluate, model, { contenders, rounds: options.fewer, ms: options.ms });
      for (const entry of entries) delete entry.details;
      models.push({ name: model.name, title: model.title, form: model.form, entries });
    }
    return { name, date: new Date().toISOString().slice(0, 16).replace('T', ' '), agent, models };
  } finally {
    await session.close();
    server.close();
  }
}

const options = readOptions();
const others = [];
for (const key of options.browsers) {
  const browser = BROWSERS[key];
  if (!browser) throw new Error(`no browser is called '${key}'; there are ${Object.keys(BROWSERS).join(', ')}`);
  try {
    others.push(await measure(browser, options));
  } catch (error) {
    others.push({ name: browser.name, problem: error.message.split('\n')[0], models: [] });
  }
  console.log(otherTable(others.at(-1)));
}
if (options.whole) {
  const results = load();
  const kept = results.others.filter((o) => !others.some((other) => other.name === o.name));
  publish({ ...results, others: [...kept, ...others] });
}
