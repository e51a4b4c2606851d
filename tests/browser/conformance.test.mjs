/** Each WebAssembly build in Chromium agrees with TFLite's interpreter. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, openPage } from './chromium.mjs';
import { servePackage } from './package.mjs';

let browser;
let server;
let page;

before(async () => {
  server = await servePackage();
  browser = await launch({ camera: 'none' });
  page = await openPage(browser, server.url);
});
after(async () => {
  await browser?.close();
  server?.close();
});

const check = (...args) =>
  page.evaluate(async (args) => (await import('/in-page/conformance.mjs')).check(...args), args);

function assertAgrees({ ran, failures, runtime }, build, threads, least) {
  assert.deepEqual(failures.slice(0, 10), [], `${failures.length} of ${ran} cases differ from TFLite`);
  assert.ok(ran >= least, `only ${ran} cases ran`);
  assert.equal(runtime.build, build);
  assert.equal(runtime.threads, threads);
}

for (const [build, threads] of [['simd', 1], ['relaxed', 1], ['simd-threads', 2], ['relaxed-threads', 2]]) {
  test(`${build}: whole models at their own size and at others`, async () => {
    assertAgrees(await check('models', { build, threads }), build, threads, 100);
  });

  test(`${build}: a sample of networks`, async () => {
    assertAgrees(await check('networks', { build, threads }, 20), build, threads, 60);
  });

  // A worker is started for each model, so not all of them: the native tests run all.
  test(`${build}: a sample of single operators`, async () => {
    assertAgrees(await check('operators', { build, threads }, 120), build, threads, 120);
  });

  test(`${build}: networks with each graph pass left out`, async () => {
    const { ran, passes, failures, error } = await page.evaluate((request) => new Promise((resolve) => {
      const worker = new Worker('/in-page/passes.mjs', { type: 'module' });
      worker.onerror = (event) => resolve({ error: event.message });
      worker.onmessage = ({ data }) => {
        worker.terminate();
        resolve(data);
      };
      worker.postMessage(request);
    }), { build, threads, suite: 'networks', most: 40 });
    assert.equal(error, undefined);
    assert.deepEqual(failures.slice(0, 10), [], `${failures.length} of ${ran} cases differ from TFLite`);
    assert.ok(passes.length >= 10 && ran >= 10 * passes.length, `${ran} cases, ${passes.length} passes`);
  });
}
