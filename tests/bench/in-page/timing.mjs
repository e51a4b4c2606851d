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

/**
 * How a list of times is spread. `quiet` is the median of those that nothing disturbed: at most 10 % longer than the
 * fastest twentieth.
 */
export function summary(times) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (q, list = sorted) => list[Math.min(list.length - 1, Math.floor(q * list.length))];
  const quiet = sorted.filter((ms) => ms <= 1.1 * at(0.05));
  return { runs: sorted.length, min: sorted[0], median: at(0.5), p95: at(0.95), quiet: at(0.5, quiet) };
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
