/** What the browser and the device allow, and the least time that a model can take within that. */

/** Limits of each build at its number of threads: {"relaxed 1": Limits of src/limits.rs}. */
export async function measureLimits(evaluate, contenders) {
  const limits = {};
  for (const { build, threads } of contenders.filter((c) => c.runtime === 'octomask')) {
    limits[`${build} ${threads}`] = await evaluate(
      async (build, threads) => (await import('/bench/engine-client.mjs')).ask(build, threads, 'limits', threads),
      build, threads,
    );
  }
  return limits;
}

/** The best of two measurements: what disturbs them only makes them worse. */
export function bestOf(one, other) {
  const best = (a, b) => ({
    threads: a.threads,
    gflops: Math.max(a.gflops, b.gflops),
    bandwidth: a.bandwidth.map(({ bytes, gbps }, i) => ({ bytes, gbps: Math.max(gbps, b.bandwidth[i].gbps) })),
    barrierUs: Math.min(a.barrierUs, b.barrierUs),
    handoverUs: Math.min(a.handoverUs, b.handoverUs),
    wakeUs: Math.min(a.wakeUs, b.wakeUs),
  });
  return Object.fromEntries(Object.keys(one).map((key) => [key, best(one[key], other[key])]));
}

/** GB/s in a working set: between two measured ones, along the logarithm of the size. */
export function bandwidthAt(bandwidth, bytes) {
  const first = bandwidth[0];
  const last = bandwidth.at(-1);
  if (bytes <= first.bytes) return first.gbps;
  if (bytes >= last.bytes) return last.gbps;
  const i = bandwidth.findIndex((b) => b.bytes > bytes);
  const [low, high] = [bandwidth[i - 1], bandwidth[i]];
  const along = Math.log(bytes / low.bytes) / Math.log(high.bytes / low.bytes);
  return low.gbps + along * (high.gbps - low.gbps);
}

const msOfFlops = (macs, limits) => (2 * macs) / limits.gflops / 1e6;
const msOfBytes = (bytes, limits) => bytes / bandwidthAt(limits.bandwidth, bytes) / 1e6;

/**
 * The least ms of a model: `unfused`, where each step of the plan reads and writes all of its tensors, at the
 * bandwidth of a working set of that size; `fused`, where only input, weights and result are touched at all;
 * `arithmetic` is the multiply-adds alone. Winograd and the like could go below.
 */
export function bounds({ steps, weightBytes }, edgeBytes, limits) {
  const macs = steps.reduce((sum, s) => sum + s.macs, 0);
  const arithmetic = msOfFlops(macs, limits);
  return {
    macs,
    arithmetic,
    unfused: steps.reduce((sum, s) => sum + Math.max(msOfFlops(s.macs, limits), msOfBytes(s.bytes, limits)), 0),
    fused: Math.max(arithmetic, msOfBytes(weightBytes + edgeBytes, limits)),
  };
}
