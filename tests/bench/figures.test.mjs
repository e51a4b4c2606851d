/** Numbers out of rounds that are known. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figure, geometricMean, median, nativeMs, ratio, roundRatio } from './figures.mjs';
import { summary } from './in-page/timing.mjs';
import { bandwidthAt, bestOf, bounds } from './limits.mjs';

const entry = (...medians) => ({
  right: true,
  rounds: medians.map((m) => ({ invoke: { median: m, min: m - 1, p95: m + 1, quiet: m - 0.5 } })),
});

test('medians over rounds', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.deepEqual(figure(entry(2, 4, 3)), { typical: 1.5, median: 3, p95: 4, min: 1 });
  assert.ok(Math.abs(geometricMean([2, 8]) - 4) < 1e-12);
});

test('ratios are taken round by round', () => {
  // Twice as fast in every round, while the machine became three times as slow.
  assert.deepEqual(roundRatio(entry(1, 2, 3), entry(2, 4, 6)), { median: 2, low: 2, high: 2 });
  assert.deepEqual(roundRatio(entry(1, 1, 1), entry(2, 3, 10)), { median: 3, low: 2, high: 10 });
});

test('rounds in which the machine was slow do not count', () => {
  assert.equal(figure(entry(20.5, 10.5, 10.7, 30.5, 10.6)).typical, 10.1);
  // One was disturbed in other rounds than the other one.
  assert.equal(ratio(entry(10.5, 20.5, 10.5), entry(90.5, 30.5, 30.5)), 3);
});

test('the fastest twentieth says which runs nothing disturbed', () => {
  const times = Array.from({ length: 100 }, (_, i) => (i < 60 ? 2 : 1 + i / 1000));
  assert.equal(summary(times).quiet, 1.08);
  assert.deepEqual(summary([5]), { runs: 1, min: 5, median: 5, p95: 5, quiet: 5 });
});

test('native times are the better of before and after', () => {
  assert.equal(nativeMs({ native: { before: { 1: { quiet: 4 } }, after: { 1: { quiet: 2 } } } }, 1), 2);
  assert.equal(nativeMs({}, 1), undefined);
});

const LIMITS = {
  threads: 1, gflops: 10, barrierUs: 1, handoverUs: 1, wakeUs: 1,
  bandwidth: [{ bytes: 1024, gbps: 100 }, { bytes: 4096, gbps: 50 }],
};

test('bandwidth between two working sets', () => {
  assert.equal(bandwidthAt(LIMITS.bandwidth, 1), 100);
  assert.equal(bandwidthAt(LIMITS.bandwidth, 2048), 75);
  assert.equal(bandwidthAt(LIMITS.bandwidth, 1 << 20), 50);
});

test('the least time of a model', () => {
  // 5,000 multiply-adds take 1 µs; 100,000 bytes at 50 GB/s take 2 µs.
  const steps = [{ macs: 5000, bytes: 4 }, { macs: 0, bytes: 100_000 }];
  const { macs, arithmetic, unfused, fused } = bounds({ steps, weightBytes: 0 }, 0, LIMITS);
  assert.equal(macs, 5000);
  for (const [got, want] of [[arithmetic, 1e-3], [unfused, 3e-3], [fused, 1e-3]]) {
    assert.ok(Math.abs(got - want) < 1e-9, `${got} ms, expected ${want}`);
  }
});

test('the better of two measurements', () => {
  const other = { ...LIMITS, gflops: 12, wakeUs: 3, bandwidth: [{ bytes: 1024, gbps: 90 }, { bytes: 4096, gbps: 60 }] };
  const { a } = bestOf({ a: LIMITS }, { a: other });
  assert.deepEqual([a.gflops, a.wakeUs, a.bandwidth.map((b) => b.gbps)], [12, 1, [100, 60]]);
});
