/** Medians, spreads and ratios out of rounds. */

export const median = (list) => {
  const sorted = list.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

export const geometricMean = (list) => Math.exp(list.reduce((sum, x) => sum + Math.log(x), 0) / list.length);

/** Whether a contender ran to the end and gave TFLite's result. */
export const counts = (entry) => entry?.right === true && entry.rounds.length > 0;

/** The median of those that are at most 10 % longer than the shortest: a whole round may be disturbed, too. */
const undisturbed = (list) => median(list.filter((ms) => ms <= 1.1 * Math.min(...list)));

/**
 * {typical, median, min, p95, whole?} of one contender: the time of runs that nothing disturbed, in rounds that nothing
 * did; the medians over rounds of all runs; the least of all.
 */
export function figure(entry) {
  const all = (pick) => entry.rounds.map(pick);
  return {
    typical: undisturbed(all((r) => r.invoke.quiet)),
    median: median(all((r) => r.invoke.median)),
    p95: median(all((r) => r.invoke.p95)),
    min: Math.min(...all((r) => r.invoke.min)),
    ...(entry.rounds[0].whole && { whole: undisturbed(all((r) => r.whole.quiet)) }),
  };
}

/** A stage of making masks, in ms, likewise. */
export const stage = (entry, name) => undisturbed(entry.rounds.map((r) => r.stages[name]));

/** How many times as fast as `peer` a contender is, by runs that nothing disturbed. */
export const ratio = (entry, peer) => figure(peer).typical / figure(entry).typical;

/**
 * The same of all runs: the median of the rounds' ratios, so that what slowed the machine down slowed both, with the
 * least and the largest of them.
 */
export function roundRatio(entry, peer) {
  const ratios = entry.rounds.map((r, i) => peer.rounds[i]?.invoke.median / r.invoke.median).filter(Number.isFinite);
  return { median: median(ratios), low: Math.min(...ratios), high: Math.max(...ratios) };
}

/** The contender of these properties. */
export const find = (entries, wanted) =>
  entries.find((e) => Object.entries(wanted).every(([key, value]) => e[key] === value));

/** ms of TFLite outside of the browser, by runs that nothing disturbed, right before or right after. */
export function nativeMs(model, threads) {
  const times = [model.native?.before?.[threads], model.native?.after?.[threads]].filter(Boolean).map((t) => t.quiet);
  return times.length ? Math.min(...times) : undefined;
}

/** The build that the package takes by itself, of those that ran: of two, the faster one would be chosen by noise. */
export function ours(entries, threads) {
  const suffix = threads > 1 ? '-threads' : '';
  const of = (build) => find(entries, { runtime: 'octomask', build: build + suffix, threads });
  return of('relaxed') ?? of('simd');
}
