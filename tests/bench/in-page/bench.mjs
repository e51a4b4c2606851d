/**
 * Runs in the page: opens all contenders of a model side by side, and measures them in rounds, one after
 * the other in each, so that a machine that changes its speed changes it for all.
 */

import { settle, warm, within } from './timing.mjs';

const OPEN_MS = 60_000;
// Frames are resized to the model's input in other ways than the expected mask's was.
const SAME_MASK = 0.9; // intersection over union
let runners = [];

const floats = async (url) => new Float32Array(await (await fetch(url)).arrayBuffer());

/** A contender in an iframe of its own. */
export async function openHost() {
  const frame = document.createElement('iframe');
  frame.src = '/contender.html';
  await new Promise((resolve, reject) => {
    frame.onload = resolve;
    frame.onerror = reject;
    document.body.append(frame);
  });
  const end = Date.now() + OPEN_MS;
  while (!frame.contentWindow.host) {
    if (Date.now() > end) throw new Error('the frame did not load');
    await settle();
  }
  return frame;
}

/** Of everything that can be thrown: peers throw strings, numbers, events, and errors of their own realm. */
function message(error) {
  const text = error?.message ?? (typeof error === 'object' ? JSON.stringify(error) : String(error));
  return String(text).split('\n')[0].slice(0, 200);
}

/** How far a result is from what is expected. */
function compare(got, want, tolerance) {
  if (got.length !== want.length) return { right: false, error: null, problem: `${got.length} elements instead of ${want.length}` };
  let largest = 0;
  let sum = 0;
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < want.length; i++) {
    const difference = Math.abs(got[i] - want[i]);
    if (!(difference <= largest)) largest = difference; // NaN stays
    sum += difference;
    low = Math.min(low, want[i]);
    high = Math.max(high, want[i]);
  }
  const error = { largest: largest / (high - low), mean: sum / want.length / (high - low) };
  return { error, right: Object.entries(tolerance).every(([what, most]) => error[what] <= most) };
}

/** Intersection over union at one half: `got` is a mask {data: 0..255, width, height}, `want` floats of `shape`. */
function compareMasks(got, want, [, height, width]) {
  let both = 0;
  let either = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = Math.floor(((y + 0.5) * got.height) / height) * got.width + Math.floor(((x + 0.5) * got.width) / width);
      const a = got.data[at] >= 128;
      const b = want[y * width + x] >= 0.5;
      both += a && b;
      either += a || b;
    }
  }
  return { iou: both / either, right: both > SAME_MASK * either };
}

/**
 * Opens the contenders of one model: {id, runtime, threads, build} each. With a `frame` {url, width, height}
 * they make masks of that, else they run the model on its input. Gives an entry for each; with a `problem` when
 * it does not start, does not run, or gives something else than TFLite.
 */
export async function open(model, contenders) {
  const input = await floats(model.input);
  const want = await floats(model.output);
  runners = [];
  for (const contender of contenders) {
    const runner = { entry: { ...contender } };
    runners.push(runner);
    try {
      const start = performance.now();
      runner.frame = await openHost();
      const { host } = runner.frame.contentWindow;
      const { file, ...rest } = model;
      const options = { ...contender, ...rest, model: file, input };
      runner.entry.about = await within(OPEN_MS, 'opening', host.open(options));
      const got = await within(OPEN_MS, 'running', Promise.resolve(host.output()));
      runner.entry.startMs = performance.now() - start;
      Object.assign(runner.entry, model.frame ? compareMasks(got, want, model.shape) : compare(got, want, model.tolerance));
      runner.host = host;
    } catch (error) {
      runner.entry.problem = message(error);
      runner.entry.right = false;
      runner.frame?.remove();
    }
  }
  return runners.map((r) => r.entry);
}

/** Runs `work` on each contender that is alive, in turn; one that fails drops out. */
async function each(work) {
  const results = {};
  for (const runner of runners.filter((r) => r.host)) {
    await settle();
    try {
      results[runner.entry.id] = await within(OPEN_MS, 'measuring', work(runner.host));
    } catch (error) {
      results[runner.entry.id] = { problem: message(error) };
      delete runner.host;
      runner.frame.remove();
    }
  }
  return results;
}

/** Runs each contender until it is as fast as it gets. */
export const warmUp = () => each((host) => warm(async (ms) => (await host.measure(ms)).invoke));

/** One round: {id: {invoke, whole?} or {problem}}. */
export const round = (ms) => each((host) => host.measure(ms));

/** What contenders know of the model besides. */
export const details = () => each(async (host) => host.details());

/** Ends all contenders and frees their memory. */
export async function close() {
  for (const { host, frame } of runners) {
    try {
      await host?.close();
    } finally {
      frame?.remove();
    }
  }
  runners = [];
}
