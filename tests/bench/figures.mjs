/** Medians, spreads and ratios out of rounds. */

export const median = (list) => {
  const sorted = list.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

export const geometricMean = (list) => Math.exp(list.reduce((sum, x) => sum + Math.log(x), 0) / list.length);

/** Whether a contender ran to the end and gave TFLite's result. */
export const counts = (entry) => entry?.right === true && entry.rounds.length > 0;

/** {median, min, p95, whole?} of one contender: medians over rounds, the least of all rounds. */
export function figure(entry) {
  const over = (pick) => median(entry.rounds.map(pick));
  return {
    median: over((r) => r.invoke.median),
    p95: over((r) => r.invoke.p95),
    min: Math.min(...entry.rounds.map((r) => r.invoke.min)),
    ...(entry.rounds[0].whole && { whole: over((r) => r.whole.median) }),
  };
}

/**
 * How many times as fast as `peer` a contender is: the median of the rounds' ratios, so that what slowed the
 * machine down slowed both, with the least and the largest of them.
 */
export function ratio(entry, peer) {
  const ratios = entry.rounds.map((r, i) => peer.rounds[i]?.invoke.median / r.invoke.median).filter(Number.isFinite);
  return { median: median(ratios), low: Math.min(...ratios), high: Math.max(...ratios) };
}

/** The same of the best times: what is left when other programs kept the machine busy. */
export const bestRatio = (entry, peer) => figure(peer).min / figure(entry).min;

/** The contender of these properties. */
export const find = (entries, wanted) =>
  entries.find((e) => Object.entries(wanted).every(([key, value]) => e[key] === value));

/** ms of TFLite outside of the browser: between right before and right after. */
export function nativeMs(model, threads) {
  const times = [model.native?.before?.[threads], model.native?.after?.[threads]].filter(Boolean).map((t) => t.median);
  return times.length ? times.reduce((a, b) => a + b) / times.length : undefined;
}

/** Its best time, before or after. */
export const nativeBest = (model, threads) =>
  Math.min(...[model.native?.before?.[threads], model.native?.after?.[threads]].filter(Boolean).map((t) => t.min));

/** The build that the package takes by itself, of those that ran: of two, the faster one would be chosen by noise. */
export function ours(entries, threads) {
  const suffix = threads > 1 ? '-threads' : '';
  const of = (build) => find(entries, { runtime: 'octomask', build: build + suffix, threads });
  return of('relaxed') ?? of('simd');
}
