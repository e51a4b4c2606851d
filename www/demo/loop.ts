/** Frames through the segmenter to the canvas, one at a time. */

import { type Mask, OctomaskError, type Segmenter } from 'octomask';
import type { Compositor, Effect } from './compose.ts';
import type { Source } from './sources.ts';

/** What a drawn frame cost, in ms. */
export interface Drawn {
  mask: Mask;
  draw: number;
  /** When it was begun, or could have been if the page had not been busy with other things, as `performance.now()` has it. */
  began: number;
}

/** A picture is run this often, so that its times settle. */
const PICTURE_RUNS = 60;

export class FrameLoop {
  readonly #compositor: Compositor;
  readonly #onDrawn: (drawn: Drawn) => Promise<void> | undefined;
  readonly #onError: (error: unknown) => void;
  #segmenter: Segmenter | undefined;
  #source: Source | undefined;
  /** Which source the callbacks that are under way belong to. */
  #turn = 0;
  #busy = false;
  /** A frame came while another was worked on. */
  #fresh = false;
  /** Since when no frame is worked on, in ms. */
  #free = 0;
  #runsLeft = 0;
  /** How many keep frames from being begun. */
  #holders = 0;
  /** The frame in work. */
  #last: Promise<void> = Promise.resolve();
  effect: Effect = 'tint';
  /** Of camera and video; a picture does not move. */
  smoothing = true;

  /** The next frame waits for what `onDrawn` gives. */
  constructor(compositor: Compositor, onDrawn: (drawn: Drawn) => Promise<void> | undefined, onError: (error: unknown) => void) {
    this.#compositor = compositor;
    this.#onDrawn = onDrawn;
    this.#onError = onError;
    // Nobody is told of frames that come while the page is not seen.
    document.addEventListener('visibilitychange', () => { this.#free = performance.now(); });
  }

  get source(): Source | undefined {
    return this.#source;
  }

  /** Begins no frame until `release`, since others use the model; the one in work is finished first. */
  async hold(): Promise<void> {
    this.#holders++;
    await this.#last;
  }

  release(): void {
    this.#holders--;
    this.refresh();
  }

  /** Begins no frame until a task is done. */
  async alone<T>(task: () => Promise<T>): Promise<T> {
    await this.hold();
    try {
      return await task();
    } finally {
      this.release();
    }
  }

  /** Goes on with another model: the frame in work is thrown away if it fails. */
  set segmenter(segmenter: Segmenter) {
    this.#segmenter = segmenter;
    this.refresh();
  }

  /** Shows another source, or none; the one before is stopped. */
  show(source: Source | undefined): void {
    this.#source?.stop();
    this.#source = source;
    this.#turn++;
    this.#fresh = false;
    if (source && source.kind !== 'picture') this.#await(source.element as HTMLVideoElement, this.#turn);
    this.refresh();
  }

  /** Something else is to be seen of the same frame: what stands still must be run again. */
  refresh(): void {
    if (!this.#source) return;
    this.#runsLeft = PICTURE_RUNS;
    this.#next();
  }

  /** Calls back for every new frame of a video. */
  #await(video: HTMLVideoElement, turn: number, last?: { now: number; count: number }): void {
    const arrived = (_: number, metadata?: VideoFrameCallbackMetadata) => {
      if (turn !== this.#turn) return;
      const now = performance.now();
      const count = metadata?.presentedFrames ?? 0;
      // A page that is busy is told of the latest frame only. The first of them is the one that it would have taken.
      this.#next(last ? last.now + (now - last.now) / Math.max(1, count - last.count) : now);
      this.#await(video, turn, { now, count });
    };
    if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(arrived);
    else requestAnimationFrame(arrived);
  }

  /** Works on what is to be seen now. There has been something since a time, in ms. */
  #next(since = performance.now()): void {
    if (this.#busy) {
      this.#fresh = true;
      return;
    }
    this.#last = this.#run(Math.max(this.#free, since));
  }

  async #run(began: number): Promise<void> {
    const source = this.#source;
    const segmenter = this.#segmenter;
    if (!source || !segmenter || this.#holders > 0 || document.hidden) return;
    this.#busy = true;
    this.#fresh = false;
    const turn = this.#turn;
    try {
      const { width, height } = source.size();
      if (width > 0 && height > 0) {
        segmenter.smoothing = this.smoothing && source.kind !== 'picture';
        const mask = await this.#segment(segmenter, source, width, height);
        if (turn === this.#turn) {
          const start = performance.now();
          this.#compositor.draw(mask, this.effect);
          const end = performance.now();
          await this.#onDrawn({ mask, draw: end - start, began });
        }
      }
    } catch (error) {
      // A segmenter is disposed when another one takes over: that one will refresh.
      const replaced = error instanceof OctomaskError && error.code === 'disposed';
      if (!replaced && segmenter === this.#segmenter && turn === this.#turn) {
        this.#runsLeft = 0;
        this.#onError(error);
      }
    } finally {
      this.#busy = false;
      this.#free = performance.now();
    }
    if (this.#source?.kind === 'picture' && --this.#runsLeft > 0) requestAnimationFrame(() => this.#next());
    else if (this.#fresh) this.#next();
  }

  /** The mask of a frame, and that same frame in the compositor: a video goes on meanwhile. */
  async #segment(segmenter: Segmenter, source: Source, width: number, height: number): Promise<Mask> {
    const frame = videoFrameOf(source, width, height);
    if (!frame) {
      const canvas = this.#compositor.grab(source.element, width, height);
      return await segmenter.segment(source.kind === 'picture' ? source.element : canvas);
    }
    try {
      // The worker begins first; the page draws while it works.
      const grabbed = task().then(() => this.#compositor.grab(frame, width, height));
      const [mask] = await Promise.all([segmenter.segment(frame), grabbed]);
      return mask;
    } finally {
      frame.close();
    }
  }
}

/** The cheapest copy of what a video shows; `undefined` where there is none, or one turned otherwise. */
function videoFrameOf(source: Source, width: number, height: number): VideoFrame | undefined {
  if (source.kind === 'picture' || typeof VideoFrame === 'undefined') return undefined;
  try {
    const frame = new VideoFrame(source.element);
    if (frame.displayWidth === width && frame.displayHeight === height) return frame;
    frame.close();
  } catch {
    // Some browsers refuse some videos: the canvas takes them all.
  }
  return undefined;
}

function task(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
