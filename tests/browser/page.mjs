/** The page that `make demo` serves, served the same way. */

import { start } from './tools.mjs';

/** Returns {url, stop}. */
export async function serveDemo(...options) {
  const server = start('node', ['www/serve.mjs', ...options], { env: { PORT: '0' } });
  const [url] = await server.says(/http:\/\/localhost:\d+\//);
  return { url, stop: server.stop };
}

/** In a page: waits for `count` more frames, then gives the canvas's pixels as [width, height, base64 of RGB]. */
export async function canvasPixels(count) {
  const canvas = document.querySelector('#canvas');
  const from = Number(canvas.dataset.frames);
  const end = performance.now() + 30_000;
  while (Number(canvas.dataset.frames) < from + count) {
    const error = document.querySelector('#error');
    if (!error.hidden) throw new Error(`the page says: ${error.textContent}`);
    if (performance.now() > end) throw new Error(`${canvas.dataset.frames} frames drawn, waiting for ${from + count}`);
    await new Promise((r) => setTimeout(r, 20));
  }
  const { width, height } = canvas;
  const rgba = canvas.getContext('2d').getImageData(0, 0, width, height).data;
  let text = '';
  for (let i = 0; i < rgba.length; i += 4) text += String.fromCharCode(rgba[i], rgba[i + 1], rgba[i + 2]);
  return [width, height, btoa(text)];
}

/**
 * In a page, before the worker is started: its answers with times are kept back for `slowness.ms` of 256 x 256 pixels,
 * and `shown` lists every size that the page shows, and when. So a slow device looks to the page.
 */
export async function slowDevice() {
  globalThis.slowness = { ms: 0 };
  const add = Worker.prototype.addEventListener;
  Worker.prototype.addEventListener = function (type, listener, options) {
    const late = (event) => {
      const { timings, width, height } = event.data?.result ?? {};
      const ms = timings ? (globalThis.slowness.ms * width * height) / 65536 : 0;
      if (!ms) return listener.call(this, event);
      timings.infer += ms;
      setTimeout(() => listener.call(this, event), ms);
    };
    return add.call(this, type, type === 'message' ? late : listener, options);
  };
  globalThis.shown = [];
  const watch = () => {
    const note = () => {
      const side = Number.parseInt(document.querySelector('#size').value);
      if (side && side !== globalThis.shown.at(-1)?.side) globalThis.shown.push({ side, now: performance.now() });
    };
    new MutationObserver(note).observe(document.querySelector('#size'), { childList: true });
  };
  if (document.readyState === 'loading') addEventListener('DOMContentLoaded', watch);
  else watch();
}

/** What `canvasPixels` gave, as {width, height, rgb}. */
export function decodePixels([width, height, text]) {
  return { width, height, rgb: Buffer.from(text, 'base64') };
}

/** The mask that the effect "Mask" drew: white where the person is. */
export const drawnMask = ({ rgb }) => Uint8Array.from({ length: rgb.length / 3 }, (_, i) => rgb[3 * i]);

/** The mask that the effect "Tint" drew over a known picture: how far each pixel went to the colour. */
export function tintedMask({ rgb }, original, colour = [20, 184, 166], most = 0.6) {
  return Uint8Array.from({ length: rgb.length / 3 }, (_, i) => {
    let along = 0;
    let length = 0;
    for (let c = 0; c < 3; c++) {
      const whole = colour[c] - original[3 * i + c];
      along += (rgb[3 * i + c] - original[3 * i + c]) * whole;
      length += whole * whole;
    }
    return Math.max(0, Math.min(255, (255 * along) / (length * most || 1)));
  });
}

/** Intersection over union of two masks at one half. */
export function iou(a, b) {
  if (a.length !== b.length) throw new Error(`masks of ${a.length} and ${b.length} pixels`);
  let both = 0;
  let either = 0;
  for (let i = 0; i < a.length; i++) {
    both += a[i] >= 128 && b[i] >= 128;
    either += a[i] >= 128 || b[i] >= 128;
  }
  return both / either;
}
