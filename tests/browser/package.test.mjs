/** The npm tarball in the hands of a user: Node, a static page, a bundler. */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, openPage } from './chromium.mjs';
import { dist, installed } from './package.mjs';
import { serve } from './server.mjs';
import { FIXTURES, at, run } from './tools.mjs';

let browser;
before(async () => {
  browser = await launch({ camera: 'none' });
});
after(() => browser?.close());

/** The ten lines of a user: nothing but the package and a picture. */
const USE = (from) => `
  import { createSegmenter } from '${from}';
  const image = document.querySelector('img');
  await image.decode();
  const segmenter = await createSegmenter();
  const mask = await segmenter.segment(image);
  globalThis.result = { width: mask.width, height: mask.height, data: [...mask.data], runtime: segmenter.model.runtime };
  segmenter.dispose();`;
const PAGE = (script) => `<!doctype html><meta charset="utf-8"><title>Use</title>
  <link rel="icon" href="data:,"><img src="/fixtures/picture.png" alt="">${script}`;

async function assertMasks(url, build) {
  const page = await openPage(browser, url);
  await page.waitForFunction(() => globalThis.result, undefined, { timeout: 30_000 }).catch((e) => {
    throw new Error(`${e.message}\n${page.problems.join('\n')}`);
  });
  const result = await page.evaluate(() => globalThis.result);
  assert.deepEqual(page.problems, []);
  const want = readFileSync(join(FIXTURES, `picture.${result.width}x${result.height}.u8`));
  let both = 0;
  let either = 0;
  result.data.forEach((v, i) => {
    both += v >= 128 && want[i] >= 128;
    either += v >= 128 || want[i] >= 128;
  });
  assert.ok(both / either >= 0.98, `IoU ${both / either}`);
  assert.equal(result.runtime.build, build, result.runtime.reason);
  await page.context().close();
}

test('the tarball has what it promises and nothing else', () => {
  const folder = join(installed(), 'node_modules/octomask');
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  assert.equal(manifest.type, 'module');
  assert.deepEqual(manifest.dependencies ?? {}, {}, 'a user should need nothing else');
  assert.ok(existsSync(join(folder, manifest.types)), manifest.types);
  for (const build of ['simd', 'simd-threads', 'relaxed', 'relaxed-threads']) {
    assert.ok(existsSync(join(folder, `dist/wasm/${build}/octomask_bg.wasm`)), build);
  }
  for (const file of ['LICENSE', 'NOTICE', 'dist/models/selfie_segmentation.tflite']) {
    assert.ok(existsSync(join(folder, file)), file);
  }
  assert.match(readFileSync(join(folder, 'NOTICE'), 'utf8'), /MediaPipe|selfie/i);
});

test('Node can import it, as servers do that render pages', () => {
  const script = `
    const before = new Set(Object.getOwnPropertyNames(globalThis));
    const octomask = await import('octomask');
    const added = Object.getOwnPropertyNames(globalThis).filter((n) => !before.has(n));
    const error = await octomask.loadModel(new Uint8Array(8)).then(() => 'none', (e) => e.name);
    console.log(JSON.stringify({ names: Object.keys(octomask).sort(), added, error }));`;
  const output = run('node', ['--input-type=module', '-e', script], { cwd: installed() });
  const { names, added, error } = JSON.parse(output);
  for (const name of ['OctomaskError', 'createSegmenter', 'loadModel']) assert.ok(names.includes(name), name);
  assert.deepEqual(added, []);
  assert.equal(error, 'OctomaskError');
});

for (const isolated of [true, false]) {
  test(`a plain static page without a bundler, ${isolated ? '' : 'not '}isolated`, async () => {
    const server = await serve({
      folders: { '/lib/': dist(), '/fixtures/': FIXTURES },
      pages: { '/': PAGE(`<script type="module">${USE('/lib/index.js')}</script>`) },
      isolated,
    });
    try {
      await assertMasks(`${server.url}/`, isolated ? 'relaxed-threads' : 'relaxed');
    } finally {
      server.close();
    }
  });
}

test('a page on another origin than the package', async () => {
  const library = await serve({ folders: { '/lib/': dist() }, cors: true });
  const server = await serve({
    folders: { '/fixtures/': FIXTURES },
    pages: { '/': PAGE(`<script type="module">${USE(`${library.url}/lib/index.js`)}</script>`) },
  });
  try {
    await assertMasks(`${server.url}/`, 'relaxed-threads');
  } finally {
    server.close();
    library.close();
  }
});

test('a page that Vite has built, in a folder of the server', async () => {
  const project = at('target/tests/vite');
  rmSync(project, { recursive: true, force: true });
  mkdirSync(join(project, 'src'), { recursive: true });
  symlinkSync(join(installed(), 'node_modules'), join(project, 'node_modules'));
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n');
  writeFileSync(join(project, 'index.html'), PAGE('<script type="module" src="/src/main.js"></script>'));
  writeFileSync(join(project, 'src/main.js'), USE('octomask'));
  run('node', [at('www/node_modules/vite/bin/vite.js'), 'build', '--base', '/sub/', '--logLevel', 'error'], { cwd: project });
  const server = await serve({ folders: { '/sub/': join(project, 'dist'), '/fixtures/': FIXTURES } });
  try {
    await assertMasks(`${server.url}/sub/`, 'relaxed-threads');
  } finally {
    server.close();
  }
});
