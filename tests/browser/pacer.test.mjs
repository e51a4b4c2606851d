/** The pacer on devices that are made up: no browser, no clock. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at } from './tools.mjs';

const { Pacer } = await import(at('www/dist/index.js'));

const SIZES = [96, 128, 160, 192, 224, 256].map((side) => [side, side]);
const OWN = [256, 256];

/** Pseudo-random numbers from 0 to 1: a seed rebuilds a case. */
function random(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * A camera of 30 pictures a second before a device: `infer(ms, share)` says what the network takes at a time and a
 * share of the largest area, `rest` what everything else takes. Gives every frame as {now, side, total}, and every
 * change of size as {now, side}.
 */
function simulate({ infer, rest = () => 3, seconds, fps = 30, sizes = SIZES, size = OWN, camera = 30, pauses = [] }) {
  const pacer = new Pacer({ fps, sizes, size });
  const frames = [];
  const changes = [];
  let now = 0;
  while (now < seconds * 1000) {
    const pause = pauses.find(([from, to]) => now >= from && now < to);
    if (pause) now = pause[1];
    const [height, width] = pacer.size;
    const ms = infer(now, (height * width) / (OWN[0] * OWN[1]));
    const total = ms + rest(now);
    const shown = now + total;
    frames.push({ now: shown, side: height, total, held: pacer.held });
    const next = pacer.frame({ total, infer: ms }, shown);
    if (next) {
      for (const side of next) assert.equal(side % 8, 0, `${side} is no multiple of 8`);
      changes.push({ now: shown, side: next[0] });
    }
    // The next picture of the camera, or at once the one that came meanwhile; a resize takes a moment.
    now = Math.max(shown, now + 1000 / camera) + (next ? 15 : 0);
  }
  return { frames, changes, pacer, last: pacer.size[0], log: changes.map((c) => `${(c.now / 1000).toFixed(1)} s: ${c.side}`).join(', ') };
}

/** Changes of direction: down after up, or up after down. */
function turns(changes, from = OWN[0]) {
  let count = 0;
  let before = 0;
  let side = from;
  for (const change of changes) {
    const direction = Math.sign(change.side - side);
    if (before && direction !== before) count++;
    before = direction;
    side = change.side;
  }
  return count;
}

/** Frames per second between two times, in seconds. */
function rate(frames, from, to) {
  return frames.filter(({ now }) => now >= from * 1000 && now < to * 1000).length / (to - from);
}

test('a device that is fast enough stays at the largest size', () => {
  const { changes, pacer } = simulate({ infer: (_, share) => 20 * share, seconds: 60 });
  assert.deepEqual(changes, []);
  assert.equal(pacer.held, true);
});

test('constant devices settle within seconds, hold the rate, and then stay', () => {
  for (const full of [34, 40, 55, 80, 120, 160]) {
    const { frames, changes, last, log } = simulate({ infer: (_, share) => full * share, seconds: 120 });
    assert.ok(changes[0].now < 2000, `${full} ms: ${log}`);
    assert.ok(changes.at(-1).now < 5000 && turns(changes) === 0, `${full} ms: ${log}`);
    assert.ok(rate(frames, 10, 120) > 28.5, `${full} ms: ${rate(frames, 10, 120)} fps at ${last}`);
    // And no smaller than it has to be: the next size up would not have had room.
    const next = SIZES.find(([side]) => side > last)[0];
    assert.ok(3 + full * (next / 256) ** 2 > 0.7 * (1000 / 30), `${full} ms: ${last} is too small`);
  }
});

test('a device that is throttled drops within two seconds and comes back when it is over', () => {
  for (const slower of [2.5, 4, 8]) {
    for (const fps of [15, 24, 30, 60]) {
      // At full speed every rate has room; throttled, none.
      const full = 0.65 * (1000 / fps) - 3;
      const throttled = (now) => now >= 10_000 && now < 25_000;
      const { changes, last, log, frames } = simulate({ infer: (now, share) => full * share * (throttled(now) ? slower : 1), seconds: 60, fps, camera: 60 });
      const what = `${slower} times at ${fps} fps: ${log}`;
      assert.ok(changes[0].now > 10_000 && changes[0].now <= 12_000, what);
      assert.ok(changes.every(({ now }) => now < 31_000), what);
      assert.equal(turns(changes), 1, what);
      assert.equal(last, 256, what);
      if (slower < 8) assert.ok(rate(frames, 14, 25) >= 0.93 * Math.min(fps, 60), `${what}; ${rate(frames, 14, 25)} fps`);
    }
  }
});

test('a device that nearly stops is left alone no longer', () => {
  for (const ms of [300, 500, 700, 950]) {
    const { changes, log } = simulate({ infer: (now, share) => (now > 10_000 && now < 20_000 ? ms : 20) * share, seconds: 40 });
    assert.ok(changes[0].now > 10_000 && changes[0].now <= 12_000, `${ms} ms: ${log}`);
    assert.equal(changes.at(-1).side, 256, `${ms} ms: ${log}`);
  }
});

test('noise does not make it go back and forth', () => {
  for (let seed = 1; seed <= 6; seed++) {
    for (const full of [20, 26, 30, 33, 36, 45, 70]) {
      const noise = random(seed);
      // From 0.7 to 1.3 times, and a hiccup of 150 ms now and then.
      const infer = (_, share) => full * share * (0.7 + 0.6 * noise()) + (noise() < 0.005 ? 150 : 0);
      const { changes, log } = simulate({ infer, seconds: 120 });
      assert.ok(turns(changes) <= 2, `seed ${seed}, ${full} ms: ${log}`);
    }
  }
});

test('single hiccups change nothing', () => {
  const infer = (now, share) => 20 * share + (now % 5000 < 34 ? 400 : 0);
  const { changes, log } = simulate({ infer, seconds: 120 });
  assert.deepEqual(changes, [], log);
});

test('now and then a slow frame is too slow when that comes often enough', () => {
  // Every so manyth frame is a slow one.
  for (const [fast, slow, every, drops] of [[20, 32, 2, false], [20, 60, 30, false], [20, 90, 6, true], [20, 70, 2, true], [15, 90, 3, true]]) {
    let count = 0;
    const infer = (_, share) => (++count % every === 0 ? slow : fast) * share;
    const { changes, frames, log } = simulate({ infer, seconds: 120 });
    const what = `${fast} ms, and ${slow} every ${every} frames: ${log}`;
    assert.equal(changes.length > 0, drops, what);
    assert.equal(turns(changes), 0, what);
    assert.ok(rate(frames, 20, 120) > 26, `${what}; ${rate(frames, 20, 120)} fps`);
  }
});

test('frames of two kinds without any order seldom change it', () => {
  for (let seed = 1; seed <= 6; seed++) {
    for (const [fast, slow, part] of [[20, 70, 0.5], [15, 90, 0.3]]) {
      const noise = random(seed);
      const { changes, log } = simulate({ infer: (_, share) => (noise() < part ? slow : fast) * share, seconds: 600 });
      assert.ok(changes.length <= 24, `seed ${seed}, ${fast} and ${slow} ms: ${log}`);
    }
  }
});

test('a device that grows hot is followed down step by step, and up again when it cools', () => {
  // Over five minutes three times as slow, then five minutes back.
  const heat = (now) => 1 + 2 * Math.max(0, 1 - Math.abs(now / 1000 - 300) / 300);
  const noise = random(3);
  const { changes, last, log, frames } = simulate({ infer: (now, share) => 18 * share * heat(now) * (0.9 + 0.2 * noise()), seconds: 640 });
  assert.ok(changes.length >= 2 && changes.length <= 12, log);
  assert.ok(turns(changes) <= 3, log);
  assert.equal(last, 256, log);
  assert.ok(rate(frames, 0, 640) > 28.5, `${rate(frames, 0, 640)} fps`);
});

test('a size that costs more than its area says is tried less and less often', () => {
  // From 192 on, what is worked on no longer fits the cache: four times as slow.
  const infer = (_, share) => 16 * share * (share > 0.5 ? 4 : 1);
  const { changes, log } = simulate({ infer, seconds: 600 });
  const up = changes.filter((c, i) => i > 0 && c.side > changes[i - 1].side).map((c) => c.now);
  assert.ok(up.length >= 2 && up.length <= 9, log);
  const gaps = up.slice(1).map((now, i) => now - up[i]);
  for (let i = 1; i < gaps.length; i++) assert.ok(gaps[i] > 1.4 * gaps[i - 1] || gaps[i] > 120_000, log);
});

test('a device whose other work comes and goes does not drive it', () => {
  for (const [period, busy] of [[4000, 2000], [10_000, 4000], [20_000, 10_000]]) {
    const infer = (now, share) => 18 * share * (now % period < busy ? 3 : 1);
    const { changes, log } = simulate({ infer, seconds: 300 });
    // Less than a change every ten seconds, whatever the device does.
    assert.ok(changes.length <= 30, `${busy} of ${period} ms: ${log}`);
    const late = changes.filter(({ now }) => now > 150_000);
    assert.ok(late.length <= 12, `${busy} of ${period} ms: ${log}`);
  }
});

test('where even the smallest size is too slow it stays there and says so', () => {
  const { changes, pacer, last, log } = simulate({ infer: (_, share) => 100 * share, rest: () => 60, seconds: 60 });
  assert.equal(last, 96, log);
  assert.equal(changes.length, 1, log);
  assert.equal(pacer.held, false);
});

test('tiny lists of sizes', () => {
  for (const sizes of [[], [[256, 256]], [[128, 128]], [[100, 100], [128, 128], [130, 256]]]) {
    const slow = simulate({ infer: (_, share) => 60 * share, seconds: 30, sizes });
    assert.ok(slow.changes.length <= 1 && slow.changes.every(({ side }) => side === 128), `${sizes.join(' ')}: ${slow.log}`);
    const fast = simulate({ infer: (_, share) => 10 * share, seconds: 30, sizes });
    assert.deepEqual(fast.changes, []);
  }
  const back = simulate({ infer: (now, share) => (now < 10_000 ? 60 : 15) * share, seconds: 30, sizes: [[128, 128], [256, 256]] });
  assert.deepEqual(back.changes.map(({ side }) => side), [128, 256], back.log);
});

test('sizes of any aspect ratio, starting from one that is not among them', () => {
  const sizes = [[72, 128], [112, 192], [144, 256]];
  const { last, log } = simulate({ infer: (_, share) => 60 * share * (65536 / 36864), seconds: 30, sizes, size: [145, 257] });
  assert.equal(last, 72 * (last === 72) + 112 * (last === 112), log);
});

test('what was measured before a pause does not count', () => {
  // Two slow frames, a pause of a minute, two more: nothing that went on for long.
  const slow = (now) => (now > 5000 && now < 5060) || (now > 65_000 && now < 65_100);
  const { changes, log } = simulate({ infer: (now, share) => (slow(now) ? 200 : 15) * share, seconds: 80, pauses: [[5300, 65_000]] });
  assert.deepEqual(changes, [], log);
});

test('wrong rates are refused', () => {
  for (const fps of [0, -30, NaN, Infinity, '30 fps']) {
    assert.throws(() => new Pacer({ fps, sizes: SIZES, size: OWN }), { code: 'bad-input' });
  }
});
