/** The page that `make demo` serves, in Chromium with a fake camera that shows a real person. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launch, openPage } from './chromium.mjs';
import { canvasPixels, decodePixels, drawnMask, iou, serveDemo, tintedMask } from './page.mjs';
import { FIXTURES, fixture } from './tools.mjs';

let browser;
let isolated;
let plain;
before(async () => {
  [browser, isolated, plain] = await Promise.all([launch(), serveDemo(), serveDemo('--no-isolation')]);
});
after(async () => {
  await browser?.close();
  isolated?.stop();
  plain?.stop();
});

const ready = (page) => page.waitForFunction(() => ['ready', 'running'].includes(document.documentElement.dataset.state));
const pixels = async (page, frames = 5) => decodePixels(await page.evaluate(canvasPixels, frames));
const effect = (page, name) => page.locator(`#effect input[value=${name}]`).check({ force: true });
const picture = (page, file = join(FIXTURES, 'picture.png')) => page.locator('#picture-input').setInputFiles(file);
const errorText = async (page) => {
  await page.waitForFunction(() => !document.querySelector('#error').hidden);
  const text = await page.locator('#error').textContent();
  // A sentence for people: no codes, no stack.
  assert.match(text, /^[A-Z“][^\n]{20,400}$/);
  assert.doesNotMatch(text, /undefined|\[object|\bat http/);
  return text;
};

async function open(url, options) {
  const page = await openPage(browser, url, options);
  await ready(page);
  return page;
}

/** RGB of a fixture picture, decoded by the browser. */
async function originalOf(page, name) {
  const url = `data:image/png;base64,${fixture(name).toString('base64')}`;
  const text = await page.evaluate(async (url) => {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const rgba = context.getImageData(0, 0, canvas.width, canvas.height).data;
    let text = '';
    for (let i = 0; i < rgba.length; i += 4) text += String.fromCharCode(rgba[i], rgba[i + 1], rgba[i + 2]);
    return btoa(text);
  }, url);
  return Buffer.from(text, 'base64');
}

function assertMask(got, name, what, least = 0.98) {
  const score = iou(got, fixture(`${name}.640x480.u8`));
  assert.ok(score >= least, `${what}: IoU with TFLite's mask is ${score}`);
}

for (const mode of ['isolated', 'not isolated']) {
  describe(`the camera, ${mode}`, () => {
    let page;
    before(async () => {
      page = await open((mode === 'isolated' ? isolated : plain).url);
    });
    after(() => page?.context().close());

    test('is not asked for before the button is pressed', async () => {
      assert.equal(await page.evaluate(() => document.querySelector('#canvas').dataset.frames), '0');
      assert.equal(await page.evaluate(() => document.querySelectorAll('video').length), 0);
    });

    test('the drawn mask is TFLite’s, in the pixels of each effect', async () => {
      await page.locator('#camera').click();
      const original = await originalOf(page, 'camera.png');
      const tinted = await pixels(page, 20);
      assert.deepEqual([tinted.width, tinted.height], [640, 480]);
      assertMask(tintedMask(tinted, original), 'camera', 'tint');

      await effect(page, 'mask');
      assertMask(drawnMask(await pixels(page)), 'camera', 'mask');

      // The person stays, the rest is gone.
      const want = fixture('camera.640x480.u8');
      for (const name of ['replace', 'blur']) {
        await effect(page, name);
        const { rgb } = await pixels(page);
        const change = { person: [0, 0], rest: [0, 0] };
        for (let i = 0; i < want.length; i++) {
          const side = want[i] > 250 ? change.person : want[i] < 5 ? change.rest : undefined;
          if (!side) continue;
          for (let c = 0; c < 3; c++) side[0] += Math.abs(rgb[3 * i + c] - original[3 * i + c]);
          side[1] += 3;
        }
        const [person, rest] = [change.person, change.rest].map(([sum, count]) => sum / count);
        assert.ok(person < 4, `${name}: the person changed by ${person} of 255`);
        assert.ok(rest > 8, `${name}: the background changed by ${rest} of 255`);
      }
      await effect(page, 'tint');
    });

    test('says which build runs and why', async () => {
      const text = await page.locator('#runtime').textContent();
      if (mode === 'isolated') assert.match(text, /relaxed-threads.*\d threads/);
      else assert.match(text, /relaxed build on 1 thread\b.*isolated/);
    });

    test('shows frames per second, the time of each stage and of each layer', async () => {
      await page.waitForFunction(() => Number.parseFloat(document.querySelector('#fps').textContent) > 1);
      for (const stage of ['capture', 'resize', 'infer', 'mask', 'draw']) {
        const text = await page.locator(`[data-stage=${stage}]`).textContent();
        assert.match(text, /^\d+\.\d+ ms$/, stage);
      }
      const rows = await page.locator('#layers tbody tr').evaluateAll((rows) =>
        rows.map((row) => [...row.cells].map((cell) => cell.textContent.replaceAll('\u200b', ''))));
      assert.ok(rows.length > 50, `${rows.length} layers`);
      // Indices of the file's operators, in the order in which they run; a step may cover several.
      for (const row of rows) assert.match(row[0], /^\d+$/);
      assert.equal(new Set(rows.map((row) => row[0])).size, rows.length, 'an operator has two rows');
      assert.equal(rows[0][1], 'CONV_2D');
      assert.equal(rows[0][2], '1×128×128×16');
      for (const row of rows) {
        assert.match(row[3], /^\d+\.\d{3}$/);
        assert.match(row[4], /^\d+\.\d %$/);
      }
      const shares = rows.reduce((sum, r) => sum + Number.parseFloat(r[4]), 0);
      assert.ok(Math.abs(shares - 100) < 5, `shares add up to ${shares} %`);
      // Both are running averages that are shown a few times a second: wait for a calm moment.
      await page.waitForFunction(() => {
        const layers = Number.parseFloat(document.querySelector('#layers-total').textContent);
        const infer = Number.parseFloat(document.querySelector('[data-stage=infer]').textContent);
        return Math.abs(layers / infer - 1) <= 0.05;
      });
    });

    test('the table goes on changing', async () => {
      const read = () => page.locator('#layers tbody').textContent();
      const first = await read();
      await page.waitForFunction((first) => document.querySelector('#layers tbody').textContent !== first, first);
    });

    test('stops when the button is pressed again', async () => {
      await page.locator('#camera').click();
      assert.equal(await page.locator('#camera').textContent(), 'Use camera');
      await page.waitForTimeout(300);
      const frames = () => page.evaluate(() => document.querySelector('#canvas').dataset.frames);
      const before = await frames();
      await page.waitForTimeout(300);
      assert.equal(await frames(), before);
      assert.deepEqual(page.problems, []);
    });
  });
}

describe('pictures, videos and settings', () => {
  let page;
  before(async () => {
    page = await open(isolated.url);
    await effect(page, 'mask');
  });
  after(() => page?.context().close());

  test('a picture file', async () => {
    await picture(page);
    assertMask(drawnMask(await pixels(page)), 'picture', 'picture file');
  });

  test('another input size', async () => {
    const sizes = await page.locator('#size option').evaluateAll((options) => options.map((o) => o.value));
    for (const size of sizes) assert.ok(size.split('x').every((side) => side % 8 === 0), size);
    assert.ok(sizes.includes('256x256') && sizes.length >= 5, sizes.join());
    const wanted = sizes.includes('192x192') ? '192x192' : sizes[0];
    await page.locator('#size').selectOption(wanted);
    const shape = `1×${wanted.split('x').map((side) => side / 2).join('×')}×16`;
    await page.waitForFunction((shape) => document.querySelector('#layers tbody tr')?.cells[2].textContent === shape, shape);
    assertMask(drawnMask(await pixels(page)), 'picture-192', 'at 192x192');
    await page.locator('#size').selectOption('256x256');
    await page.waitForFunction(() => document.querySelector('#layers tbody tr')?.cells[2].textContent === '1×128×128×16');
    assertMask(drawnMask(await pixels(page)), 'picture', 'back at 256x256');
  });

  test('each build and number of threads', async () => {
    for (const build of ['simd', 'simd-threads', 'relaxed', 'relaxed-threads', 'auto']) {
      await page.locator('#build').selectOption(build);
      const name = build === 'auto' ? 'relaxed-threads' : build;
      await page.waitForFunction((name) => document.querySelector('#runtime').textContent.includes(`the ${name} build`), name);
      assertMask(drawnMask(await pixels(page)), 'picture', build);
    }
    await page.locator('#threads').selectOption('1');
    await page.waitForFunction(() => /on 1 thread\b/.test(document.querySelector('#runtime').textContent));
    assertMask(drawnMask(await pixels(page)), 'picture', 'one thread');
    await page.locator('#threads').selectOption('auto');
    await page.waitForFunction(() => /on \d+ threads/.test(document.querySelector('#runtime').textContent));
  });

  test('the other model, and back', async () => {
    await page.locator('#model').selectOption('selfie-landscape');
    await page.waitForFunction(() => document.querySelector('#layers tbody tr')?.cells[2].textContent === '1×72×128×16');
    // Another network: nearly the same mask.
    assertMask(drawnMask(await pixels(page)), 'picture', 'landscape model', 0.8);
    await page.locator('#model').selectOption('selfie');
    await page.waitForFunction(() => document.querySelector('#layers tbody tr')?.cells[2].textContent === '1×128×128×16');
    assertMask(drawnMask(await pixels(page)), 'picture', 'model changed back');
  });

  test('a video file', async () => {
    const film = await page.evaluate(async (url) => {
      const image = new Image();
      image.src = url;
      await image.decode();
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [640, 480];
      document.body.append(canvas);
      const context = canvas.getContext('2d');
      const recorder = new MediaRecorder(canvas.captureStream(15), { mimeType: 'video/webm;codecs=vp8', videoBitsPerSecond: 16_000_000 });
      const parts = [];
      recorder.ondataavailable = (e) => parts.push(e.data);
      const stopped = new Promise((resolve) => (recorder.onstop = resolve));
      recorder.start();
      // A dot that blinks in a corner: a recorder leaves out frames that are all alike.
      let frame = 0;
      const draw = setInterval(() => {
        context.drawImage(image, 0, 0);
        context.fillRect(0, 0, 4 * (++frame % 2), 4);
      }, 50);
      await new Promise((r) => setTimeout(r, 2500));
      clearInterval(draw);
      recorder.stop();
      await stopped;
      canvas.remove();
      const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
      let text = '';
      for (const byte of bytes) text += String.fromCharCode(byte);
      return btoa(text);
    }, `data:image/png;base64,${fixture('picture.png').toString('base64')}`);
    const buffer = Buffer.from(film, 'base64');
    await page.locator('#video-input').setInputFiles({ name: 'film.webm', mimeType: 'video/webm', buffer });
    await page.waitForFunction(() => document.querySelector('#pause').checkVisibility());
    assertMask(drawnMask(await pixels(page, 10)), 'picture', 'video file', 0.97);
    await page.locator('#pause').click();
    assert.equal(await page.locator('#pause').textContent(), 'Play');
    await picture(page);
    assertMask(drawnMask(await pixels(page)), 'picture', 'picture after a video');
  });

  test('files that are no models, and models that cannot run; the page goes on', async () => {
    const model = (file) => page.locator('#model-input').setInputFiles(join(FIXTURES, file));
    for (const file of ['not-a-model.tflite', 'truncated.tflite', 'corrupted.tflite']) {
      await model(file);
      assert.match(await errorText(page), /not a working \.tflite model/, file);
    }
    await model('unsupported.tflite');
    const text = await errorText(page);
    assert.match(text, /NobodyKnowsThis/);
    assert.match(text, /\b1\b/);
    await picture(page);
    assertMask(drawnMask(await pixels(page)), 'picture', 'after models that failed');
    assert.equal(await page.locator('#error').isVisible(), false);
  });

  test('a file that is no picture, one that is no video', async () => {
    const buffer = Buffer.from('nothing');
    await page.locator('#picture-input').setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer });
    assert.match(await errorText(page), /a\.png/);
    await page.locator('#video-input').setInputFiles({ name: 'b.webm', mimeType: 'video/webm', buffer });
    await page.waitForFunction(() => document.querySelector('#error').textContent.includes('b.webm'));
  });

  test('nothing went wrong unseen', () => {
    assert.deepEqual(page.problems, []);
  });
});

describe('when something is missing', () => {
  /** The page in a browser of its own, with a script that runs before it. */
  async function opened(script, camera = 'film', prepare) {
    const own = camera === 'film' ? browser : await launch({ camera });
    const context = await own.newContext();
    const page = await context.newPage();
    if (script) await page.addInitScript(script);
    await prepare?.(page);
    await page.goto(isolated.url);
    return { page, close: () => (own === browser ? context.close() : own.close()) };
  }

  async function assertError(pattern, { script, camera, prepare, act } = {}) {
    const { page, close } = await opened(script, camera, prepare);
    try {
      if (act) {
        await ready(page);
        await act(page);
      }
      assert.match(await errorText(page), pattern);
    } finally {
      await close();
    }
  }

  const press = (page) => page.locator('#camera').click();
  const failing = (name) => `navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('test', '${name}'); };`;

  test('the camera is denied', () => assertError(/blocked.*allow/is, { camera: 'denied', act: press }));
  test('there is no camera', () => assertError(/no camera/i, { camera: 'none', act: press }));
  test('the camera is busy', () => assertError(/busy/i, { script: failing('NotReadableError'), act: press }));
  test('the browser has no WebAssembly SIMD', () =>
    assertError(/SIMD/, { script: 'WebAssembly.validate = () => false;' }));
  test('the runtime’s files are not there', () =>
    assertError(/octomask_bg.*\.wasm/, { prepare: (page) => page.route('**/*.wasm', (route) => route.fulfill({ status: 404 })) }));
  test('the worker does not start', () =>
    assertError(/worker/i, { prepare: (page) => page.route('**/worker*.js', (route) => route.fulfill({ status: 404 })) }));
  test('the model is not there', () =>
    assertError(/selfie_segmentation.*404/, { prepare: (page) => page.route('**/*.tflite', (route) => route.fulfill({ status: 404 })) }));

  test('a picture is masked all the same when the camera was denied', async () => {
    const { page, close } = await opened(failing('NotAllowedError'));
    try {
      await ready(page);
      await press(page);
      await errorText(page);
      await effect(page, 'mask');
      await picture(page);
      assertMask(drawnMask(await pixels(page)), 'picture', 'after the camera was denied');
    } finally {
      await close();
    }
  });
});

test('everything fits a screen of 390 pixels, also while it runs', async () => {
  const page = await open(isolated.url, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const fits = async (when) => {
    const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(content <= screen && screen === 390, `${when}: ${content} pixels wide on ${screen}`);
  };
  await fits('before');
  await page.locator('#camera').tap();
  await pixels(page, 10);
  await fits('with the camera');
  const small = await page.locator('button:visible, select:visible, label.button:visible').evaluateAll((controls) =>
    controls.map((c) => [c.id || c.textContent, c.getBoundingClientRect().height]).filter(([, height]) => height < 40));
  assert.deepEqual(small, [], 'controls too small for a finger');
  await page.context().close();
});

test('everything works with the keyboard alone', async () => {
  const page = await open(isolated.url);
  const focused = () => page.evaluate(() => {
    const { activeElement: e } = document;
    return e === document.body ? '' : e.id || e.name;
  });
  const tabTo = async (id) => {
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press('Tab');
      if ((await focused()) === id) return;
    }
    throw new Error(`Tab does not reach ${id}`);
  };
  await tabTo('camera');
  const ring = await page.locator('#camera').evaluate((e) => getComputedStyle(e).outlineStyle);
  assert.notEqual(ring, 'none', 'the focus is not visible');
  await page.keyboard.press('Enter');
  await pixels(page, 3);
  await tabTo('picture-input');
  await tabTo('video-input');
  await tabTo('effect');
  for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowRight');
  assert.equal(await page.locator('#effect input:checked').inputValue(), 'mask');
  assertMask(drawnMask(await pixels(page)), 'camera', 'effect chosen by keyboard');
  await tabTo('size');
  const before = await page.locator('#size').inputValue();
  await page.keyboard.press('ArrowUp');
  const chosen = await page.locator('#size').inputValue();
  assert.notEqual(chosen, before);
  const shape = `1×${chosen.split('x').map((side) => side / 2).join('×')}×16`;
  await page.waitForFunction((shape) => document.querySelector('#layers tbody tr')?.cells[2].textContent === shape, shape);
  for (const id of ['hold', 'threads', 'build', 'sweep']) await tabTo(id);
  await page.context().close();
});
