/** Runs the models in a browser, and TFLite outside of it. */

import { run } from '../browser/tools.mjs';
import { forPage } from './server.mjs';

/**
 * One model in an open page; `evaluate(f, ...args)` runs f there. Gives {entries}: what opened, with a list
 * of rounds, and `details` of the contenders that have some.
 */
export async function measureModel(evaluate, model, { contenders, rounds, ms }, log = () => {}) {
  const entries = await evaluate(
    async (model, contenders) => (await import('/bench/bench.mjs')).open(model, contenders),
    forPage(model), contenders,
  );
  const note = (results, keep) => {
    for (const entry of entries) {
      const result = results[entry.id];
      if (result?.problem) Object.assign(entry, { problem: result.problem, right: false });
      else if (result !== undefined && result !== null) keep(entry, result);
    }
  };
  note(await evaluate(async () => (await import('/bench/bench.mjs')).warmUp()), (entry, spent) => (entry.warmMs = spent));
  for (const entry of entries) entry.rounds = [];
  for (let i = 0; i < rounds; i++) {
    const results = await evaluate(async (ms) => (await import('/bench/bench.mjs')).round(ms), ms);
    note(results, (entry, result) => entry.rounds.push(result));
    log(`${model.name}: round ${i + 1} of ${rounds}`);
  }
  note(await evaluate(async () => (await import('/bench/bench.mjs')).details()), (entry, result) => (entry.details = result));
  await evaluate(async () => (await import('/bench/bench.mjs')).close());
  return entries;
}

/** {model: {threads: {min, median, p95, quiet}}} of TFLite's interpreter in Python. */
export function measureNative(models, threads, ms) {
  const args = ['tests/bench/native.py', ...threads.map(String), '--ms', String(ms), '--models', ...models.map((m) => m.name)];
  return JSON.parse(run('target/venv/bin/python', args, { stdio: ['ignore', 'pipe', 'ignore'] }));
}
