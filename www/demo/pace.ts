/** Holds a frame rate of camera and video by the input size, and says what it does. */

import { Pacer, type Size } from 'octomask';
import type { Engine } from './engine.ts';
import type { Drawn } from './loop.ts';
import { ui } from './ui.ts';

/** As the page writes sizes: width before height. */
export function sizeText([height, width]: Size): string {
  return `${width} × ${height}`;
}

/** It is said that nothing helps when it has been so for this long, and the other way round. */
const SURE_MS = 1000;

export class Pace {
  readonly #engine: Engine;
  readonly #isMoving: () => boolean;
  readonly #resize: (size: Size) => Promise<void>;
  #pacer: Pacer | undefined;
  #fps = 0;
  /** The size that was chosen by hand, and of which model: never is a larger one taken. */
  #top: { model: string; size: Size } | undefined;
  /** What was done last, in words. */
  #said = '';
  /** Since when the rate is held, or is not. */
  #since = { held: true, now: 0 };

  /** `isMoving` says whether what is shown has a frame rate at all. */
  constructor(engine: Engine, isMoving: () => boolean, resize: (size: Size) => Promise<void>) {
    this.#engine = engine;
    this.#isMoving = isMoving;
    this.#resize = resize;
  }

  /** Frames per second to hold; 0 for none. */
  get fps(): number {
    return this.#fps;
  }

  /** Holds so many frames per second from now on; 0 for none. */
  async hold(fps: number): Promise<void> {
    this.#fps = fps;
    if (fps) this.follow();
    else await this.rest();
  }

  /** Holds nothing, at the size that was chosen. */
  async rest(): Promise<void> {
    const { size, settings } = this.#engine;
    const top = this.#top?.model === settings.model ? this.#top.size : undefined;
    this.#pacer = undefined;
    this.#say('');
    if (top && size && sizeText(size) !== sizeText(top)) await this.#resize(top);
  }

  /** The model runs at a size that was chosen by hand. */
  choose(size: Size): void {
    this.#top = { model: this.#engine.settings.model, size };
    this.follow();
  }

  /** Starts afresh: another source, another model, or another build of it. */
  follow(): void {
    const { segmenter, size, settings } = this.#engine;
    this.#pacer = undefined;
    if (!segmenter || !size) return this.#say('');
    if (this.#top?.model !== settings.model) this.#top = { model: settings.model, size };
    if (!this.#fps || !this.#isMoving()) return this.#say('');
    const top = this.#top.size;
    const sizes = [...segmenter.model.sizes(), top].filter(([height, width]) => height * width <= top[0] * top[1]
      // A quarter of the work. Of less, models that were made for more see next to nothing.
      && 2 * Math.max(height, width) >= Math.max(...top));
    this.#pacer = new Pacer({ fps: this.#fps, sizes, size });
    this.#say(`Holding ${this.#fps} fps at ${sizeText(size)}.`);
  }

  /** Takes note of a frame. The next one has to wait for what this gives. */
  frame({ mask, began }: Drawn): Promise<void> | undefined {
    const pacer = this.#pacer;
    if (!pacer) return undefined;
    const now = performance.now();
    const before = pacer.size;
    const size = pacer.frame({ total: now - began, infer: mask.timings.infer }, now);
    if (size) {
      const down = size[0] * size[1] < before[0] * before[1];
      this.#since = { held: true, now };
      this.#say(down ? `Dropped to ${sizeText(size)} to hold ${this.#fps} fps.` : `Back up to ${sizeText(size)}: there is room at ${this.#fps} fps.`);
      return this.#resize(size);
    }
    if (pacer.held !== this.#since.held) this.#since = { held: pacer.held, now };
    if (now - this.#since.now > SURE_MS) {
      say(pacer.held ? this.#said : `Even ${sizeText(before)}, the smallest size, is too slow for ${this.#fps} fps.`);
    }
    return undefined;
  }

  #say(text: string): void {
    this.#said = text;
    say(text);
  }
}

function say(text: string): void {
  if (ui.pace.textContent !== text) ui.pace.textContent = text;
  ui.pace.hidden = text === '';
}
