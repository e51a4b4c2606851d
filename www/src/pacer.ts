/** Holds a frame rate by choosing the input size: smaller when frames take too long, larger when there is room. */

import { OctomaskError } from './errors.ts';
import type { Size } from './types.ts';

/** What a pacer is to hold, and with what. */
export interface PacerOptions {
  /** Frames per second to hold. */
  fps: number;
  /** Sizes to choose from, in any order; only multiples of 8 are taken. */
  sizes: Size[];
  /** The size that the model runs at now. */
  size: Size;
}

/** What a frame took, in ms. */
export interface FrameTime {
  /**
   * All of it, from taking the frame to drawing its mask: as long as no other frame can be worked on. Where the page
   * was busy with other things and missed frames before this one, from the first of those.
   */
  total: number;
  /** The part that grows with the input's area: `mask.timings.infer`. */
  infer: number;
}

/** After a change, so many frames do not count, or those of this time: caches are empty, pages show what changed. */
const SETTLING_FRAMES = 3;
const SETTLING_MS = 400;
/** Whether frames take too long is judged by those of this time, at least so many over at least this time. */
const SLOW_MS = 1000;
const SLOW_FRAMES = 3;
const LEAST_SLOW_MS = 400;
/** Two frames in a row that take twice the time there is, and together at least this, need no third one. */
const VERY_SLOW_MS = 600;
/** Whether there is room, by those of this time. */
const ROOM_MS = 3000;
const ROOM_FRAMES = 6;
/** Frames take too long when they are late by this part of their time on average. Early ones do not make up for late ones. */
const LATE = 0.06;
/** A smaller size must be expected to be no later than that with this part of the time, */
const FITS = 0.85;
/** and a larger one with this part: what lies between keeps it from going back and forth. */
const HAS_ROOM = 0.7;
/** A larger size that does not hold for so long has failed. */
const TRIAL_MS = 30_000;
/** Nothing larger is tried again for this time, which doubles with each failure, and then the next size only. */
const FIRST_WAIT_MS = 10_000;
const MAX_WAIT_MS = 160_000;
/** Without a frame for so long, what was measured before says nothing of now. */
const PAUSE_MS = 1000;

interface Frame extends FrameTime {
  now: number;
}

/**
 * Says which input size to use next. It measures nothing and changes nothing by itself: tell it what each frame took,
 * and resize the model when it names a size. A size that becomes too slow is left within two seconds, as long as a
 * frame takes less than one.
 */
export class Pacer {
  /** Milliseconds there are for a frame. */
  readonly #budget: number;
  /** Smallest first. */
  readonly #sizes: Size[];
  #size: Size;
  #frames: Frame[] = [];
  /** Frames since the last change that do not count, and when the first of them was finished. */
  #settling: { frames: number; since: number } | undefined = { frames: 0, since: 0 };
  #held = true;
  /** Until when the last step to a larger size may still fail. */
  #trialUntil: number | undefined;
  /** What is left of the last such step that failed: above `area`, nothing is tried for now. */
  #failure: { area: number; until: number; wait: number } | undefined;

  constructor({ fps, sizes, size }: PacerOptions) {
    if (!(fps > 0 && fps < Infinity)) throw new OctomaskError('bad-input', `fps must be a number above 0, got ${String(fps)}.`);
    this.#budget = 1000 / fps;
    this.#sizes = sizes.filter((each) => each.every((side) => side > 0 && side % 8 === 0)).sort((a, b) => area(a) - area(b));
    this.#size = size;
  }

  /** The size that the model is expected to run at. */
  get size(): Size {
    return this.#size;
  }

  /** Whether the last frames kept the rate. When not, and no size follows, there is no smaller one. */
  get held(): boolean {
    return this.#held;
  }

  /**
   * Takes note of a frame that was finished at `now` (ms, as `performance.now()` has it). Gives the size to resize
   * the model to before the next frame, or `undefined` to go on as it is.
   */
  frame({ total, infer }: FrameTime, now: number = performance.now()): Size | undefined {
    const last = this.#frames.at(-1);
    if (last && now - total - last.now > PAUSE_MS) this.#forget();
    if (this.#isSettling(now)) return undefined;
    this.#frames.push({ total, infer, now });
    this.#frames = recent(this.#frames, ROOM_MS, SLOW_FRAMES);
    if (this.#trialUntil !== undefined && now > this.#trialUntil) this.#succeed();
    return this.#smaller(now) ?? this.#larger(now);
  }

  #forget(): void {
    this.#frames = [];
    this.#settling = { frames: 0, since: 0 };
  }

  #isSettling(now: number): boolean {
    if (!this.#settling) return false;
    const { frames, since } = this.#settling;
    this.#settling = { frames: frames + 1, since: frames === 0 ? now : since };
    if (frames === 0 || (frames < SETTLING_FRAMES && now - since < SETTLING_MS)) return true;
    this.#settling = undefined;
    return false;
  }

  #smaller(now: number): Size | undefined {
    let frames = recent(this.#frames, SLOW_MS, SLOW_FRAMES);
    if (this.#isVerySlow()) {
      frames = frames.slice(-2);
    } else if (frames.length < SLOW_FRAMES || now - frames[0]!.now < LEAST_SLOW_MS) {
      return undefined;
    }
    this.#held = this.#isInTime(frames, this.#size, 1);
    if (this.#held) return undefined;
    const smaller = this.#sizes.filter((size) => area(size) < area(this.#size));
    const size = smaller.filter((size) => this.#isInTime(frames, size, FITS)).at(-1) ?? smaller[0];
    if (!size) return undefined;
    this.#fail(now, area(size));
    return this.#change(size);
  }

  #isVerySlow(): boolean {
    const [a, b] = this.#frames.slice(-2);
    return a !== undefined && b !== undefined && Math.min(a.total, b.total) > 2 * this.#budget && a.total + b.total >= VERY_SLOW_MS;
  }

  #larger(now: number): Size | undefined {
    const [first] = this.#frames;
    if (!first || this.#frames.length < ROOM_FRAMES || now - first.now < 0.9 * ROOM_MS) return undefined;
    let larger = this.#sizes.filter((size) => area(size) > area(this.#size));
    if (this.#failure) {
      const { area: most, until } = this.#failure;
      larger = now < until ? larger.filter((size) => area(size) <= most) : larger.slice(0, 1);
    }
    // Smallest first: where there is no room for one, there is none for the others.
    const tooLarge = larger.findIndex((size) => !this.#isInTime(this.#frames, size, HAS_ROOM));
    const size = (tooLarge < 0 ? larger : larger.slice(0, tooLarge)).at(-1);
    if (!size) return undefined;
    this.#trialUntil = now + TRIAL_MS;
    return this.#change(size);
  }

  /**
   * Whether these frames would be in time at another size, if there were only a part of the time for each: the
   * network's multiplications grow with the area, the rest stays. The latest twentieth may be accidents.
   */
  #isInTime(frames: Frame[], size: Size, part: number): boolean {
    const growth = area(size) / area(this.#size) - 1;
    const late = frames.map(({ total, infer }) => Math.max(0, total + infer * growth - part * this.#budget));
    const usual = late.sort((a, b) => a - b).slice(0, -Math.ceil(late.length / 20));
    return usual.reduce((sum, ms) => sum + ms, 0) <= LATE * this.#budget * usual.length;
  }

  #change(size: Size): Size {
    this.#size = size;
    this.#forget();
    return size;
  }

  #succeed(): void {
    this.#trialUntil = undefined;
    if (this.#failure && area(this.#size) > this.#failure.area) this.#failure = undefined;
  }

  /** The size that runs is given up for one of another area. Only where it was on trial that is a failure. */
  #fail(now: number, instead: number): void {
    if (this.#trialUntil !== undefined) {
      const wait = Math.min(MAX_WAIT_MS, this.#failure ? 2 * this.#failure.wait : FIRST_WAIT_MS);
      this.#failure = { area: instead, until: now + wait, wait };
      this.#trialUntil = undefined;
    } else if (this.#failure) {
      this.#failure.area = Math.min(this.#failure.area, instead);
    }
  }
}

function area([height, width]: Size): number {
  return height * width;
}

/** The frames of the last `ms`, at least `count`. */
function recent(frames: Frame[], ms: number, count: number): Frame[] {
  const end = frames.at(-1)?.now ?? 0;
  const from = frames.findIndex((frame) => frame.now > end - ms);
  return frames.slice(Math.max(0, Math.min(from, frames.length - count)));
}
