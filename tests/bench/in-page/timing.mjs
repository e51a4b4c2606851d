/** Taking times, in every realm of the bench in the same way. */

/** Times of one call after the other in ms, for about `ms`, at least `least` calls. */
export async function timesFor(run, ms, least = 4) {
  const times = [];
  const end = performance.now() + ms;
  while (times.length < least || performance.now() < end) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return times;
}

const at = (q, sorted) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
const inOrder = (times) => times.toSorted((a, b) => a - b);

/** The longest time that nothing disturbed: 10 % over the fastest twentieth. */
const limit = (sorted) => 1.1 * at(0.05, sorted);

/** How a list of times is spread. `quiet` is the median of those that nothing disturbed. */
export function summary(times) {
  const sorted = inOrder(times);
  const quiet = sorted.filter((ms) => ms <= limit(sorted));
  return { runs: sorted.length, min: sorted[0], median: at(0.5, sorted), p95: at(0.95, sorted), quiet: at(0.5, quiet) };
}

/** The medians of parts, {name: times}, in those of the `wholes` that nothing disturbed. */
export function partsOf(wholes, parts) {
  const most = limit(inOrder(wholes));
  const ofQuiet = (times) => at(0.5, inOrder(times.filter((_, i) => wholes[i] <= most)));
  return Object.fromEntries(Object.entries(parts).map(([name, times]) => [name, ofQuiet(times)]));
}

/**
 * Calls `measure(ms)`, which gives a summary, until two in a row agree: browsers compile what runs
 * often once more, in the background. Gives up after `most` ms.
 */
export async function warm(measure, most = 3000, ms = 150) {
  const start = performance.now();
  let before = await measure(ms);
  for (;;) {
    const now = await measure(ms);
    const spent = performance.now() - start;
    if ((spent > 500 && now.median > 0.97 * before.median) || spent > most) return spent;
    before = now;
  }
}

/** Gives the machine a moment: threads of others that still spin go to sleep. */
export const settle = () => new Promise((resolve) => setTimeout(resolve, 30));

/** Fails when a promise takes too long. */
export function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took more than ${ms / 1000} s`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
