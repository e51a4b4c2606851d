/** Firefox (threads) and WebKitGTK (one thread, plain SIMD) mask as well as Chromium does. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { servePackage } from './package.mjs';
import { canvasPixels, decodePixels, drawnMask, iou, serveDemo, slowDevice } from './page.mjs';
import { FIXTURES, fixture } from './tools.mjs';
import { firefox, webkit } from './webdriver.mjs';

const BROWSERS = [
  { name: 'Firefox', open: firefox, expect: { build: 'relaxed-threads', threaded: true, shared: 'function' } },
  { name: 'WebKitGTK', open: webkit, expect: { build: 'simd', threaded: false, shared: 'undefined' } },
];

let server;
let demo;
before(async () => {
  [server, demo] = await Promise.all([servePackage({ isolated: true }), serveDemo()]);
});
after(() => {
  server?.close();
  demo?.stop();
});

/** In the page: masks the picture and compares with TFLite. */
async function mask(options) {
  const { createSegmenter } = await import('/octomask/index.js');
  const { expectedMask, iou, pictureElement } = await import('/in-page/masks.mjs');
  const segmenter = await createSegmenter(options);
  const result = await segmenter.segment(await pictureElement());
  const { runtime } = segmenter.model;
  segmenter.dispose();
  const want = await expectedMask('picture', result.width, result.height);
  return { runtime, iou: iou(result.data, want), timings: result.timings, shared: typeof SharedArrayBuffer };
}

for (const { name, open, expect } of BROWSERS) {
  describe(name, () => {
    let session;
    before(async () => {
      session = await open();
      await session.open(server.url);
    });
    after(async () => {
      await session?.close();
    });

    test('masks a picture as TFLite does', async () => {
      const result = await session.evaluate(mask, {});
      assert.equal(result.shared, expect.shared);
      assert.equal(result.runtime.build, expect.build, result.runtime.reason);
      assert.equal(result.runtime.threads > 1, expect.threaded, result.runtime.reason);
      assert.ok(result.iou >= 0.98, `IoU ${result.iou}`);
    });

    test('masks video frames as what the browser draws of them', async () => {
      const results = await session.evaluate(async () => {
        const { createSegmenter } = await import('/octomask/index.js');
        const { videoFrameMasks } = await import('/in-page/masks.mjs');
        return typeof VideoFrame === 'undefined' ? [] : videoFrameMasks(createSegmenter);
      });
      for (const { kind, iou, mean } of results) {
        assert.ok(iou >= 0.98 || kind.includes('side'), `${kind}: IoU ${iou}`);
        // WebKit widens the colours of NV12 with another filter.
        assert.ok(mean <= 1.5, `${kind}: off by ${mean} of 255`);
      }
    });

    test('and so do the other builds that run there', async () => {
      const builds = expect.threaded ? ['simd', 'simd-threads', 'relaxed'] : ['simd'];
      for (const build of builds) {
        const result = await session.evaluate(mask, { build });
        assert.equal(result.runtime.build, build);
        assert.ok(result.iou >= 0.98, `${build}: IoU ${result.iou}`);
      }
    });

    test('layer times add up to the runs, whatever the clock', async () => {
      const profile = await session.evaluate(async () => {
        const { loadModel, packagedModel } = await import('/octomask/index.js');
        const model = await loadModel(packagedModel('selfie'));
        const profile = await model.profile({ runs: 40, warmup: 5 });
        model.dispose();
        return profile;
      });
      const { layers, totalMs, timeline, method, clockResolutionMs, threads } = profile;
      assert.equal(method, clockResolutionMs > 0.01 ? 'repeated' : 'single', `a clock of ${clockResolutionMs} ms`);
      const sum = layers.reduce((total, l) => total + l.ms.mean, 0);
      assert.ok(Math.abs(sum / totalMs.mean - 1) <= 0.05, `layers ${sum} ms, runs ${totalMs.mean} ms`);
      assert.ok(layers.filter((l) => l.macs > 1e6).every((l) => l.ms.mean > 0), 'a layer took no time');
      assert.equal(new Set(timeline.map((p) => p.step)).size, layers.length);
      assert.ok(timeline.every((p) => p.thread < threads));
    });

    test('a build that cannot run there is refused with a reason', async () => {
      const [code, message] = await session.evaluate(async (shared) => {
        const { loadModel } = await import('/octomask/index.js');
        const wish = shared ? { build: 'simd-threads', threads: 99 } : { build: 'relaxed-threads' };
        return loadModel('/fixtures/tiny.tflite', wish).then(() => ['none'], (e) => [e.code, e.message]);
      }, expect.threaded);
      assert.equal(code, expect.threaded ? 'bad-input' : 'unsupported-build', message);
    });

    test('sweeps input sizes, with masks that agree as TFLite’s do', async () => {
      const wanted = JSON.parse(fixture('sweep.json'));
      const { sweep, shape } = await session.evaluate(async () => {
        const { createSegmenter, sweepSizes } = await import('/octomask/index.js');
        const { pictureElement } = await import('/in-page/masks.mjs');
        const segmenter = await createSegmenter();
        const sweep = await sweepSizes(segmenter.model, { frame: await pictureElement(), rounds: 2 });
        const { shape } = segmenter.model.inputs[0];
        segmenter.dispose();
        return { sweep, shape };
      });
      assert.deepEqual(shape, [1, 256, 256, 3]);
      assert.deepEqual(sweep.rows.map((row) => row.height), Object.keys(wanted).map(Number));
      for (const { height, iou, ms } of sweep.rows) {
        assert.ok(Math.abs(iou - wanted[height].iou) < 0.015, `${height}: IoU ${iou} for ${wanted[height].iou}`);
        assert.ok(ms.median > 0, `${height}: ${JSON.stringify(ms)}`);
      }
    });

    test('the page masks a picture', async () => {
      await session.open(demo.url);
      await session.until('the page to be ready', async () => document.documentElement.dataset.state === 'ready');
      await session.evaluate(async () => document.querySelector('#effect input[value=mask]').click());
      await session.type('#picture-input', join(FIXTURES, 'picture.png'));
      const drawn = decodePixels(await session.evaluate(canvasPixels, 5));
      assert.deepEqual([drawn.width, drawn.height], [640, 480]);
      const score = iou(drawnMask(drawn), fixture('picture.640x480.u8'));
      assert.ok(score >= 0.98, `IoU ${score}`);
      const runtime = await session.evaluate(async () => document.querySelector('#runtime').textContent);
      assert.match(runtime, new RegExp(`the ${expect.build} build`));
      const layers = await session.evaluate(async () => document.querySelectorAll('#layers tbody tr').length);
      assert.ok(layers > 50, `${layers} layers`);
    });

    test('the page sweeps over that picture', async () => {
      await session.evaluate(async () => document.querySelector('#sweep').click());
      await session.until('the sweep to end', async () => !document.querySelector('#sweep-result').hidden);
      const [rows, charts] = await session.evaluate(async () => [
        [...document.querySelectorAll('#sweep-table tbody tr')].map((row) => [row.cells[0].textContent, Number(row.cells[1].textContent), Number(row.cells[4].textContent)]),
        document.querySelectorAll('#sweep-plots figure > svg').length,
      ]);
      assert.equal(charts, 2);
      assert.equal(rows.length, 7);
      for (const [size, ms] of rows) assert.ok(ms > 0, `${size}: ${ms} ms`);
      assert.deepEqual(rows.find(([size]) => size === '256 × 256').slice(2), [1]);
    });

    test('the page holds the frame rate of a camera', async () => {
      await session.evaluate(slowDevice);
      await session.evaluate(async () => {
        // A camera that shows a counter.
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [640, 480];
        const context = canvas.getContext('2d');
        let frame = 0;
        setInterval(() => {
          context.fillStyle = `hsl(${++frame % 360} 50% 50%)`;
          context.fillRect(0, 0, 640, 480);
        }, 66);
        navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(15);
        // A new worker, which is the slow one.
        const choose = (id, value) => {
          const select = document.querySelector(id);
          select.value = value;
          select.dispatchEvent(new Event('change'));
        };
        choose('#build', 'simd');
        // A rate that a browser which draws slowly, on a machine that does other things, still reaches.
        document.querySelector('#hold').append(new Option('3 fps', '3'));
        choose('#hold', '3');
      });
      await session.until('the other build', async () => /the simd build/.test(document.querySelector('#runtime').textContent));
      await session.evaluate(async () => document.querySelector('#camera').click());
      // The machine may have been too slow for a moment.
      const atFullSize = async () => document.querySelector('#size').value === '256x256' && /^(Holding|Back up)/.test(document.querySelector('#pace').textContent);
      await session.until('the camera', async () => Number(document.querySelector('#canvas').dataset.frames) > 10);
      await session.until('the full size', atFullSize);
      await session.evaluate(async () => { globalThis.slowness.ms = 800; });
      await session.until('a smaller size', async () => document.querySelector('#pace').textContent.startsWith('Dropped'));
      await session.evaluate(async () => { globalThis.slowness.ms = 0; });
      await session.until('the size to come back', atFullSize);
      await session.evaluate(async () => document.querySelector('#camera').click());
    });
  });
}
