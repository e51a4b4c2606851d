/** One model at many input sizes: what each costs, and how far its mask agrees with the one at the model's own size. */

import { type FrameSource, capture, closeFrame } from './capture.ts';
import { OctomaskError, messageOf } from './errors.ts';
import { LoadedModel, type Model } from './model.ts';
import type { Size, Stats } from './types.ts';

/** How a sweep is to be made. */
export interface SweepOptions {
  /** A picture whose masks are compared; without one, times alone are measured. */
  frame?: FrameSource | undefined;
  /** Sizes to try beside the model's own; default: 96, 128, 160 … on the longer side, and half of the model's own. */
  sizes?: Size[] | undefined;
  /** How often each size is visited; default 5. All sizes are timed in turn. */
  rounds?: number | undefined;
  /** Called after each visit, with how much is done: 0 to 1. */
  progress?: ((done: number, size: Size) => void) | undefined;
  /** Gives up; the model gets its size back. */
  signal?: AbortSignal | undefined;
}

/** A model at one input size. */
export interface SweepRow {
  height: number;
  width: number;
  /** Each of its times is the mean of several runs after each other, for clocks that are coarse. */
  ms: Stats;
  /** Median time as part of that at the reference size. */
  relative: number;
  /** Multiply-adds. */
  macs: number;
  /** Intersection over union with the mask at the reference size, at one half, 0 to 1: of what is not background.
   *  `null` without a picture, and where neither mask has anything. */
  iou: number | null;
  /** Share of the pixels that are on the same side of one half in both masks. `null` without a picture. */
  agreement: number | null;
}

/** What half the sides cost: time and multiply-adds as parts of those before. */
export interface Halving {
  from: Size;
  to: Size;
  time: number;
  macs: number;
}

/** A model at many input sizes. */
export interface Sweep {
  /** What the others are compared with: the model's own size, or the largest where its file leaves that open. */
  reference: Size;
  /** In which size masks were compared: that of the picture, or of the largest mask where that is larger. */
  compared: Size | null;
  /** Smallest first. */
  rows: SweepRow[];
  /** Sizes that the model cannot run at, and why. */
  refused: { height: number; width: number; reason: string }[];
  /** `null` where no two rows are half and whole. */
  halving: Halving | null;
}

const LONG_SIDES = [96, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 1024, 1280];
/** All of them up to here are tried, and up to the first that is larger than the model's own. */
const ALWAYS = 320;
const STEP = 8;

/** A visit runs for about so long, */
const VISIT_MS = 60;
/** within these numbers of runs, after some that do not count: the first ones find nothing in the caches. */
const MIN_RUNS = 3;
const MAX_RUNS = 60;
const WARMUP_RUNS = 2;

interface Visited {
  size: Size;
  runs: number;
  macs: number;
  mask: SizedMask | undefined;
  /** One mean for each round, in ms. */
  times: number[];
}

interface SizedMask {
  /** Row-major, 0 to 255. */
  data: Uint8Array;
  width: number;
  height: number;
}

/**
 * Times a model at many input sizes and compares its masks of a picture. Nothing else should use the model meanwhile:
 * it is resized again and again. In the end it has the size that it had, also when something goes wrong.
 */
export async function sweepSizes(model: Model, options: SweepOptions = {}): Promise<Sweep> {
  const { rounds = 5, signal, frame } = options;
  if (!(model instanceof LoadedModel)) throw new OctomaskError('bad-input', 'A model to sweep comes from loadModel or createSegmenter.');
  if (!(Number.isInteger(rounds) && rounds >= 1)) throw new OctomaskError('bad-input', `rounds must be an integer of at least 1, got ${String(rounds)}.`);
  const own = model.ownSize;
  const before = sizeOf(model);
  if (!own || !before) throw new OctomaskError('unsupported-model', 'The model has not one image as its input, so there is no size to change.');
  stopIf(signal);
  // As it is now: a video goes on meanwhile.
  const { wire } = frame ? await capture(frame) : { wire: undefined };
  const still = wire && 'data' in wire ? new ImageData(wire.data as ImageData['data'], wire.width, wire.height) : wire;
  try {
    return await sweep(model, still, sizesToTry(own, options.sizes), own, rounds, options);
  } finally {
    if (wire) closeFrame(wire);
    // It fails only where the model was disposed, or stopped: then that is what is thrown already.
    await model.resize(...before).catch(() => undefined);
  }
}

async function sweep(model: LoadedModel, still: FrameSource | undefined, sizes: Size[], own: Size, rounds: number, options: SweepOptions): Promise<Sweep> {
  const visited: Visited[] = [];
  const refused: Sweep['refused'] = [];
  let done = 0;
  const visit = async (size: Size): Promise<void> => {
    stopIf(options.signal);
    await model.resize(...size);
    stopIf(options.signal);
  };
  const report = (size: Size) => options.progress?.(++done / (sizes.length * (rounds + 1)), size);
  for (const size of sizes) {
    try {
      await visit(size);
    } catch (error) {
      // What a size is refused for; anything else ends the sweep.
      if (!(error instanceof OctomaskError && ['unsupported-model', 'bad-input', 'limit'].includes(error.code))) throw error;
      refused.push({ height: size[0], width: size[1], reason: messageOf(error) });
      done += rounds;
      report(size);
      continue;
    }
    const mask = still && (await maskOf(model, still));
    const macs = (await model.layers()).reduce((sum, layer) => sum + layer.macs, 0);
    const runs = Math.round(VISIT_MS / Math.max(await model.time(MIN_RUNS, WARMUP_RUNS), 0.1));
    visited.push({ size, mask, macs, runs: Math.min(MAX_RUNS, Math.max(MIN_RUNS, runs)), times: [] });
    report(size);
  }
  const reference = visited.find(({ size }) => same(size, own)) ?? visited.at(-1);
  if (!reference) throw new OctomaskError('unsupported-model', `The model runs at none of the sizes. ${refused[0]?.reason ?? ''}`);
  for (let round = 0; round < rounds; round++) {
    for (const { size, runs, times } of visited) {
      await visit(size);
      times.push(await model.time(runs, WARMUP_RUNS));
      report(size);
    }
  }
  const compared = still ? largest(still, visited) : null;
  const wanted = compared && reference.mask ? person(reference.mask, compared) : undefined;
  const whole = statsOf(reference.times).median;
  const rows = visited.map(({ size, times, macs, mask }): SweepRow => {
    const ms = statsOf(times);
    const agreed = compared && wanted && mask ? compare(person(mask, compared), wanted) : { iou: null, agreement: null };
    return { height: size[0], width: size[1], ms, relative: whole > 0 ? ms.median / whole : 0, macs, ...agreed };
  });
  return { reference: reference.size, compared, rows, refused, halving: halvingOf(rows, visited.indexOf(reference)) };
}

async function maskOf(model: LoadedModel, still: FrameSource): Promise<SizedMask> {
  const { wire } = await capture(still);
  try {
    const { data, width, height } = await model.segment(wire, { smoothing: 0, layerTimes: false, tracks: false });
    return { data, width, height };
  } finally {
    closeFrame(wire);
  }
}

function sizeOf(model: Model): Size | undefined {
  const [, height, width] = model.inputs[0]?.shape ?? [];
  return height !== undefined && width !== undefined ? [height, width] : undefined;
}

/** The sizes to try and the model's own, smallest first, each once. */
function sizesToTry(own: Size, wished: Size[] | undefined): Size[] {
  const long = Math.max(...own);
  const sides = (side: number): Size => {
    const [height, width] = own.map((each) => STEP * Math.max(1, Math.round((each * side) / (long * STEP)))) as Size;
    return [height, width];
  };
  const sizes = wished ? [...wished] : [];
  if (!wished) {
    const larger = LONG_SIDES.find((side) => side > long) ?? long;
    sizes.push(...LONG_SIDES.filter((side) => side <= Math.max(larger, ALWAYS)).map(sides));
    if (own.every((side) => side % (2 * STEP) === 0)) sizes.push([own[0] / 2, own[1] / 2]);
  }
  // Of an open size, the file says 1.
  if (own.every((side) => side >= STEP)) sizes.push(own);
  sizes.sort((a, b) => a[0] * a[1] - b[0] * b[1] || a[0] - b[0]);
  return sizes.filter((size, i) => i === 0 || !same(size, sizes[i - 1] as Size));
}

function same(a: Size, b: Size): boolean {
  return a[0] === b[0] && a[1] === b[1];
}

/** Height and width in which masks are compared. */
function largest(still: FrameSource, visited: Visited[]): Size {
  const { width, height } = 'displayWidth' in still ? { width: still.displayWidth, height: still.displayHeight } : (still as ImageBitmap);
  const masks = visited.flatMap(({ mask }) => mask ?? []);
  return [Math.max(height, ...masks.map((mask) => mask.height)), Math.max(width, ...masks.map((mask) => mask.width))];
}

/** Which pixels of a larger picture the mask takes for a person: stretched bilinearly, pixels being areas, and cut at one half. */
function person({ data, width, height }: SizedMask, [rows, columns]: Size): Uint8Array {
  const across = places(width, columns);
  const down = places(height, rows);
  const made = new Uint8Array(rows * columns);
  for (let y = 0, i = 0; y < rows; y++) {
    const [first, second, weight] = [down.first[y]! * width, down.second[y]! * width, down.weight[y]!];
    for (let x = 0; x < columns; x++, i++) {
      const [left, right, part] = [across.first[x]!, across.second[x]!, across.weight[x]!];
      const upper = data[first + left]! * (1 - part) + data[first + right]! * part;
      const lower = data[second + left]! * (1 - part) + data[second + right]! * part;
      made[i] = upper * (1 - weight) + lower * weight >= 127.5 ? 1 : 0;
    }
  }
  return made;
}

/** Between which two rows or columns of a mask each of the picture lies, and the weight of the second. */
function places(from: number, to: number): { first: Int32Array; second: Int32Array; weight: Float64Array } {
  const made = { first: new Int32Array(to), second: new Int32Array(to), weight: new Float64Array(to) };
  for (let i = 0; i < to; i++) {
    const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
    made.first[i] = Math.floor(at);
    made.second[i] = Math.min(from - 1, Math.floor(at) + 1);
    made.weight[i] = at - Math.floor(at);
  }
  return made;
}

function compare(a: Uint8Array, b: Uint8Array): { iou: number | null; agreement: number } {
  let both = 0;
  let either = 0;
  for (let i = 0; i < a.length; i++) {
    both += a[i]! & b[i]!;
    either += a[i]! | b[i]!;
  }
  return { iou: either > 0 ? both / either : null, agreement: 1 - (either - both) / a.length };
}

/** The reference and its half, or else the largest pair of a size and its half. */
function halvingOf(rows: SweepRow[], reference: number): Halving | null {
  const half = (row: SweepRow) => rows.find((each) => 2 * each.height === row.height && 2 * each.width === row.width);
  const from = [rows[reference] as SweepRow, ...[...rows].reverse()].find(half);
  const to = from && half(from);
  if (!from || !to) return null;
  const part = (of: number, whole: number) => (whole > 0 ? of / whole : 0);
  return {
    from: [from.height, from.width],
    to: [to.height, to.width],
    time: part(to.ms.median, from.ms.median),
    macs: part(to.macs, from.macs),
  };
}

/** As `src/profile.rs` has it: percentiles are of the nearest rank above. */
function statsOf(times: number[]): Stats {
  const sorted = [...times].sort((a, b) => a - b);
  const count = sorted.length;
  const at = (i: number) => sorted[i] ?? 0;
  const mean = times.reduce((sum, ms) => sum + ms, 0) / count;
  return {
    first: times[0] ?? 0,
    last: times[count - 1] ?? 0,
    min: at(0),
    median: (at((count - 1) >> 1) + at(count >> 1)) / 2,
    mean,
    p95: at(Math.max(1, Math.ceil(count * 0.95)) - 1),
    max: at(count - 1),
    std: Math.sqrt(times.reduce((sum, ms) => sum + (ms - mean) ** 2, 0) / count),
  };
}

function stopIf(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new OctomaskError('aborted', 'The sweep was aborted.', { cause: signal.reason });
}
