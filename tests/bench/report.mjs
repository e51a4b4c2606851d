/** Tables of a run, as Markdown. */

import { NAMES } from './options.mjs';
import { counts, figure, find, geometricMean, nativeMs, ours, ratio, roundRatio } from './figures.mjs';

const ms = (x) => (x === undefined ? '' : x.toFixed(2));
const times = (x) => `${x.toFixed(2)}x`;

/** A table whose first `words` columns are words, the others numbers. */
export function markdown(head, rows, words = 1) {
  const line = (cells) => `| ${cells.join(' | ')} |`.replaceAll('|  |', '| |').replaceAll('|  |', '| |');
  return [line(head), `|${head.map((_, i) => (i < words ? '---' : '--:')).join('|')}|`, ...rows.map(line)].join('\n');
}

export const nameOf = (entry) => [NAMES[entry.runtime], entry.build, entry.source && `of a ${entry.source}`].filter(Boolean).join(' ');

/** Why a contender has no figure. */
export const reason = (entry) => (entry.problem ? entry.problem.replaceAll('|', '\\|') : 'wrong result');

const deviation = (entry) => (entry.error ? `${entry.error.largest.toExponential(1)}, ${entry.error.mean.toExponential(1)}` : '');

/** Everybody on one model. */
export function modelTable(model) {
  const rows = model.entries.map((entry) => {
    if (!counts(entry)) return [nameOf(entry), entry.threads, '', '', '', '', '', '', deviation(entry), reason(entry)];
    const { typical, median, min, p95, whole } = figure(entry);
    const peer = find(model.entries, { runtime: 'litert', threads: entry.threads });
    const against = counts(peer) && peer !== entry;
    const { low, high } = against ? roundRatio(entry, peer) : {};
    const spread = against ? `${times(ratio(entry, peer))} (${low.toFixed(2)} to ${high.toFixed(2)})` : '';
    const native = nativeMs(model, entry.threads);
    return [nameOf(entry), entry.threads, ms(typical), ms(min), ms(median), ms(p95), spread, native ? times(native / typical) : '', deviation(entry), whole ? `${ms(whole)} as the page sees it` : ''];
  });
  for (const [threads, before] of Object.entries(model.native?.before ?? {})) {
    const after = model.native.after?.[threads];
    rows.push([NAMES.native, threads, ms(nativeMs(model, threads)), ms(before.min), ms(before.median), ms(before.p95), '', '', '', `${ms(before.quiet)} before, ${ms(after?.quiet)} after`]);
  }
  const head = ['', 'threads', 'ms', 'min', 'median of all', 'p95', 'against LiteRT.js (all runs, by round)', 'against native', 'error: largest, mean', ''];
  const others = `Right before, other programs used ${Math.round(100 * model.busy)} % of the processors.`;
  return `### ${model.title}\n\n${others}\n\n${markdown(head, rows)}\n`;
}

/** One line for each model: us, and how we compare. */
export function overview(models, cores) {
  const threadCounts = cores > 1 ? [1, cores] : [1];
  return threadCounts.map((threads) => {
    const means = [[], [], []];
    const note = (column, x) => {
      means[column].push(x);
      return times(x);
    };
    const rows = models.map((model) => {
      const us = ours(model.entries, threads);
      if (!counts(us)) return [model.title, us ? reason(us) : '', '', '', ''];
      const against = (runtime, column) => {
        const peer = find(model.entries, { runtime, threads });
        if (!peer) return '';
        return counts(peer) ? note(column, ratio(us, peer)) : peer.problem ? 'fails' : 'wrong';
      };
      const native = nativeMs(model, threads);
      const { typical } = figure(us);
      return [model.title, ms(typical), against('litert', 0), against('onnxruntime', 1), native ? note(2, native / typical) : ''];
    });
    rows.push(['geometric mean', '', ...means.map((list) => (list.length ? times(geometricMean(list)) : ''))]);
    const head = [`${threads} thread${threads > 1 ? 's' : ''}: how many times as fast`, 'Octomask, ms', 'LiteRT.js', 'onnxruntime-web', 'native TFLite'];
    return markdown(head, rows);
  }).join('\n\n');
}

/** What peers do wrong, each message once. */
export function failures(models) {
  const seen = new Map();
  for (const model of models) {
    for (const entry of model.entries.filter((e) => !counts(e))) {
      const what = `${nameOf(entry)}: ${reason(entry)}`;
      seen.set(what, [...(seen.get(what) ?? []), `${model.name} at ${entry.threads}`]);
    }
  }
  return [...seen].map(([what, where]) => `- ${what} (${where.length > 4 ? `${where.length} times` : where.join(', ')})`).join('\n');
}
