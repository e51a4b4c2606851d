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

/** What the browser calls itself, and the entries of one model, in a browser of its own: one that ends takes no other model with it. */
async function measureAlone(start, url, model, how) {
  const session = await start();
  try {
    await session.open(url);
    const agent = await session.evaluate(async () => navigator.userAgent);
    const entries = await measureModel((f, ...args) => session.evaluate(f, ...args), model, how);
    for (const entry of entries) delete entry.details;
    return { agent, entries };
  } finally {
    // It may be gone already.
    await session.close().catch(() => undefined);
  }
}

/** {name, date, agent, models: [{name, title, form, entries}], problem} of one browser; the problem is that of the models left out. */
async function measure({ name, start, runs }, options) {
  const contenders = options.contenders.filter((c) => runs(c) && c.runtime !== 'tfjs-tflite');
  const how = { contenders, rounds: options.fewer, ms: options.ms };
  const server = await serveBench();
  const result = { name, date: new Date().toISOString().slice(0, 16).replace('T', ' '), models: [] };
  try {
    for (const model of options.models) {
      process.stderr.write(`  ${name}: ${model.name}\n`);
      // Once more: WebKitGTK's driver now and then loses an answer.
      const once = () => measureAlone(start, server.url, model, how);
      try {
        const { agent, entries } = await once().catch(once);
        Object.assign(result, { agent });
        result.models.push({ name: model.name, title: model.title, form: model.form, entries });
      } catch (error) {
        result.problem = `${model.name}: ${error.message.split('\n')[0]}`;
      }
    }
    return result;
  } finally {
    server.close();
  }
}

const options = readOptions();
const others = [];
for (const key of options.browsers) {
  const browser = BROWSERS[key];
  if (!browser) throw new Error(`no browser is called '${key}'; there are ${Object.keys(BROWSERS).join(', ')}`);
  others.push(await measure(browser, options));
  console.log(otherTable(others.at(-1)));
}
if (options.whole) {
  const results = load();
  const kept = results.others.filter((o) => !others.some((other) => other.name === o.name));
  publish({ ...results, others: [...kept, ...others] });
}
