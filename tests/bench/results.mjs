/** The results of whole runs: tests/bench/results, and what of them the README shows. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { at } from '../browser/tools.mjs';
import { chart } from './chart.mjs';
import { report, summary } from './document.mjs';
import { counts, figure } from './figures.mjs';
import { updateReadme } from './readme.mjs';

const JSON_FILE = at('tests/bench/results/bench.json');

export const load = () => JSON.parse(readFileSync(JSON_FILE, 'utf8'));

/** What the chart shows of a model: who gave the right result, and TFLite outside of the browser. */
function bars(model) {
  const native = Object.entries(model.native.after).map(([threads, times]) => ({ runtime: 'native', threads, typical: times.quiet, p95: times.p95 }));
  return [...model.entries.filter(counts).map((e) => ({ ...e, ...figure(e) })), ...native];
}

/** Keeps the numbers, and writes everything that is made of them. */
export function publish(results) {
  mkdirSync(at('tests/bench/results'), { recursive: true });
  const compact = (_, value) => (typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value);
  // A line for each model, so that versions can be compared.
  const text = JSON.stringify(results, compact).replaceAll('},{"name"', '},\n{"name"').replaceAll('},{"title"', '},\n{"title"');
  writeFileSync(JSON_FILE, `${text}\n`);
  writeFileSync(at('tests/bench/results/bench.md'), report(results));
  writeFileSync(at('tests/bench/results/bench.svg'), chart(results.models.map((m) => ({ title: m.title, bars: bars(m) })), results));
  updateReadme(summary(results));
}
