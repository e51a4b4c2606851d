/** The same in Firefox and WebKitGTK, as installed: fewer rounds, and only what each of them can run. */

import { firefox, webkit } from '../browser/webdriver.mjs';
import { measureModel } from './measure.mjs';
import { serveBench } from './server.mjs';

const BROWSERS = {
  firefox: { name: 'Firefox', start: firefox, runs: () => true },
  // It has neither relaxed SIMD nor shared memory.
  webkit: { name: 'WebKitGTK', start: webkit, runs: (c) => c.threads === 1 && c.build !== 'relaxed' },
};

/** {name, models: [{name, title, form, entries}]} of one browser. */
export async function measureOther(key, options, log) {
  const { name, start, runs } = BROWSERS[key];
  const contenders = options.contenders.filter((c) => runs(c) && c.runtime !== 'tfjs-tflite');
  const server = await serveBench();
  const session = await start();
  try {
    await session.open(server.url);
    const agent = await session.evaluate(async () => navigator.userAgent);
    const evaluate = (f, ...args) => session.evaluate(f, ...args);
    const models = [];
    for (const model of options.models) {
      log(`${name}: ${model.name}`);
      const entries = await measureModel(evaluate, model, { contenders, rounds: options.otherRounds, ms: options.ms });
      for (const entry of entries) delete entry.details;
      models.push({ name: model.name, title: model.title, form: model.form, entries });
    }
    return { name, agent, models };
  } finally {
    await session.close();
    server.close();
  }
}
