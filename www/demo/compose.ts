/** Draws a frame and its mask. The mask becomes the alpha of a small canvas, which the browser stretches. */

import type { Mask } from 'octomask';

export type Effect = 'tint' | 'blur' | 'replace' | 'mask';

/** Pictures larger than this are drawn smaller: no phone shows more. */
const MAX_SIDE = 1280;

/** The background is blurred at a quarter of the size: it looks the same and costs a sixteenth. */
const BLUR_SCALE = 1 / 4;
/** Standard deviation of the blur, as a part of the longer side. */
const BLUR_SIGMA = 1 / 50;

/** Safari before 18 has none. */
const HAS_FILTER: boolean = 'filter' in CanvasRenderingContext2D.prototype;

const TINT = 'rgb(20 184 166 / 60%)';

interface Layer {
  canvas: HTMLCanvasElement;
  context: CanvasRenderingContext2D;
}

export class Compositor {
  readonly #target: Layer;
  /** The frame that the mask in work belongs to. */
  readonly #frame = layer();
  /** The person alone, or the tint. */
  readonly #person = layer();
  readonly #small = layer();
  readonly #smaller = layer();
  readonly #mask = layer();
  #pixels: ImageData | undefined;
  #background: CanvasImageSource & { naturalWidth: number; naturalHeight: number } | undefined;

  constructor(canvas: HTMLCanvasElement) {
    this.#target = { canvas, context: contextOf(canvas) };
  }

  /** What `replace` puts behind the person; a gradient when there is none. */
  set background(image: HTMLImageElement | undefined) {
    this.#background = image;
  }

  /** Keeps the frame as it is now: a video has moved on when its mask arrives. Gives what it is kept on. */
  grab(frame: CanvasImageSource, width: number, height: number): HTMLCanvasElement {
    const scale = Math.min(1, MAX_SIDE / Math.max(width, height));
    resize(this.#frame, Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
    this.#frame.context.drawImage(frame, 0, 0, this.#frame.canvas.width, this.#frame.canvas.height);
    return this.#frame.canvas;
  }

  /** Draws the kept frame with its mask. */
  draw(mask: Mask, effect: Effect): void {
    this.#setMask(mask);
    const { width, height } = this.#frame.canvas;
    resize(this.#target, width, height);
    const { context } = this.#target;
    context.globalCompositeOperation = 'copy';
    if (effect === 'mask') {
      context.fillStyle = '#000';
      context.fillRect(0, 0, width, height);
      context.globalCompositeOperation = 'source-over';
      context.drawImage(this.#mask.canvas, 0, 0, width, height);
      return;
    }
    if (effect === 'tint') context.drawImage(this.#frame.canvas, 0, 0);
    else if (effect === 'blur') this.#drawBlurred(context, width, height);
    else this.#drawBackground(context, width, height);
    context.globalCompositeOperation = 'source-over';
    this.#cutOut(effect === 'tint');
    context.drawImage(this.#person.canvas, 0, 0);
  }

  /** Mask values to alpha, on a canvas of the mask's own size. */
  #setMask(mask: Mask): void {
    const { width, height, data } = mask;
    resize(this.#mask, width, height);
    if (this.#pixels?.width !== width || this.#pixels.height !== height) {
      this.#pixels = new ImageData(width, height); // [h, w, rgba]
      this.#pixels.data.fill(255);
    }
    const rgba = this.#pixels.data;
    for (let i = 0; i < data.length; i++) rgba[4 * i + 3] = data[i] as number;
    this.#mask.context.putImageData(this.#pixels, 0, 0);
  }

  /** Leaves the person, or a tint of that shape, on a transparent canvas. */
  #cutOut(tint: boolean): void {
    const { width, height } = this.#frame.canvas;
    const { context } = this.#person;
    resize(this.#person, width, height);
    context.globalCompositeOperation = 'copy';
    context.drawImage(this.#mask.canvas, 0, 0, width, height);
    context.globalCompositeOperation = 'source-in';
    if (tint) {
      context.fillStyle = TINT;
      context.fillRect(0, 0, width, height);
    } else {
      context.drawImage(this.#frame.canvas, 0, 0);
    }
  }

  #drawBlurred(context: CanvasRenderingContext2D, width: number, height: number): void {
    const small = this.#small;
    const sigma = Math.max(width, height) * BLUR_SIGMA * BLUR_SCALE;
    resize(small, Math.max(1, Math.round(width * BLUR_SCALE)), Math.max(1, Math.round(height * BLUR_SCALE)));
    const { width: w, height: h } = small.canvas;
    if (HAS_FILTER) {
      // Larger by the blur's reach on each side, so that no transparent edge is blurred in.
      const margin = Math.ceil(2 * sigma);
      small.context.filter = `blur(${sigma}px)`;
      small.context.drawImage(this.#frame.canvas, -margin, -margin, w + 2 * margin, h + 2 * margin);
      small.context.filter = 'none';
    } else {
      // Shrinking and stretching comes near.
      const tiny = this.#smaller;
      resize(tiny, Math.max(1, Math.round(w / sigma)), Math.max(1, Math.round(h / sigma)));
      small.context.drawImage(this.#frame.canvas, 0, 0, w, h);
      tiny.context.drawImage(small.canvas, 0, 0, tiny.canvas.width, tiny.canvas.height);
      small.context.drawImage(tiny.canvas, 0, 0, w, h);
    }
    context.drawImage(small.canvas, 0, 0, width, height);
  }

  #drawBackground(context: CanvasRenderingContext2D, width: number, height: number): void {
    const image = this.#background;
    if (!image) {
      const gradient = context.createLinearGradient(0, 0, width, height);
      gradient.addColorStop(0, '#134e4a');
      gradient.addColorStop(1, '#f59e0b');
      context.fillStyle = gradient;
      context.fillRect(0, 0, width, height);
      return;
    }
    const scale = Math.max(width / image.naturalWidth, height / image.naturalHeight);
    const [w, h] = [image.naturalWidth * scale, image.naturalHeight * scale];
    context.drawImage(image, (width - w) / 2, (height - h) / 2, w, h);
  }
}

function layer(): Layer {
  const canvas = document.createElement('canvas');
  return { canvas, context: contextOf(canvas) };
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d');
  if (!context) throw new Error('this browser has no canvas');
  return context;
}

/** Setting the size clears a canvas and costs time: only when it changes. */
function resize({ canvas, context }: Layer, width: number, height: number): void {
  if (canvas.width === width && canvas.height === height) return;
  canvas.width = width;
  canvas.height = height;
  context.imageSmoothingQuality = 'medium';
}
