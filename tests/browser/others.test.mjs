/** Firefox (threads) and WebKitGTK (one thread, plain SIMD) mask as well as Chromium does. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { servePackage } from './package.mjs';
import { firefox, webkit } from './webdriver.mjs';

const BROWSERS = [
  { name: 'Firefox', open: firefox, expect: { build: 'relaxed-threads', threaded: true, shared: 'function' } },
  { name: 'WebKitGTK', open: webkit, expect: { build: 'simd', threaded: false, shared: 'undefined' } },
];

let server;
before(async () => {
  server = await servePackage({ isolated: true });
});
after(() => server?.close());

/** In the page: masks the picture and compares with TFLite. */
async function mask(options) {
  const { createSegmenter } = await import('/octomask/index.js');
  const { expectedMask, iou, pictureElement } = await import('/in-page/masks.mjs');
  const segmenter = await createSegmenter(options);
  const result = await segmenter.segment(await pictureElement());
  const { runtime } = segmenter.model;
  segmenter.dispose();
  const want = await expectedMask('mask', result.width, result.height);
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

    test('and so do the other builds that run there', async () => {
      const builds = expect.threaded ? ['simd', 'simd-threads', 'relaxed'] : ['simd'];
      for (const build of builds) {
        const result = await session.evaluate(mask, { build });
        assert.equal(result.runtime.build, build);
        assert.ok(result.iou >= 0.98, `${build}: IoU ${result.iou}`);
      }
    });

    test('a build that cannot run there is refused with a reason', async () => {
      const [code, message] = await session.evaluate(async (shared) => {
        const { loadModel } = await import('/octomask/index.js');
        const wish = shared ? { build: 'simd-threads', threads: 99 } : { build: 'relaxed-threads' };
        return loadModel('/fixtures/tiny.tflite', wish).then(() => ['none'], (e) => [e.code, e.message]);
      }, expect.threaded);
      assert.equal(code, expect.threaded ? 'bad-input' : 'unsupported-build', message);
    });
  });
}
