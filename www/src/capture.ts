/** On the page: a copy of a frame that can be sent to the worker. */

import { OctomaskError, messageOf } from './errors.ts';
import type { RawPixels, WireFrame } from './messages.ts';

/** What can be segmented. */
export type FrameSource =
  | VideoFrame
  | ImageBitmap
  | ImageData
  | HTMLVideoElement
  | HTMLCanvasElement
  | HTMLImageElement
  | OffscreenCanvas;

/** Larger frames are scaled down by the browser first: the model sees a few hundred pixels anyway. */
const MAX_PIXELS = 2048 * 2048;

/** Whether frames of this kind follow one another, so that smoothing over time makes sense. */
export function isVideo(frame: FrameSource): boolean {
  return is(frame, 'HTMLVideoElement') || is(frame, 'VideoFrame');
}

/** A copy of a frame, and the ms it took to make. */
export interface Captured {
  wire: WireFrame;
  ms: number;
}

/**
 * Takes the picture as it is now. The caller's frame stays as it was; what comes back is ours to
 * transfer and close.
 */
export async function capture(frame: FrameSource): Promise<Captured> {
  const start = performance.now();
  const taken = take(frame);
  // Awaiting what is there already would count what the page does meanwhile.
  const wire = taken instanceof Promise ? await taken : taken;
  return { wire, ms: performance.now() - start };
}

function take(frame: FrameSource): WireFrame | Promise<WireFrame> {
  const { width, height } = sizeOf(frame);
  if (!(width > 0 && height > 0)) {
    throw new OctomaskError('bad-input', `The frame has no pixels (${width} x ${height}); wait until it is loaded.`);
  }
  const fits = width * height <= MAX_PIXELS;
  try {
    if (is(frame, 'ImageData') && fits && (frame as ImageData).data.BYTES_PER_ELEMENT === 1) return copyOf(frame as ImageData);
    if (is(frame, 'VideoFrame') && fits) return (frame as VideoFrame).clone();
    const taken = fits ? videoFrameOf(frame, width, height) : undefined;
    if (taken) return taken;
    if (typeof createImageBitmap !== 'function') return draw(frame as CanvasImageSource, width, height);
    return createImageBitmap(frame, fits ? {} : smaller(width, height)).catch(unreadable);
  } catch (error) {
    return unreadable(error);
  }
}

/** To be transferred: when the browser itself copies a message, it takes several times as long. */
function copyOf({ data, width, height }: ImageData): RawPixels {
  return { data: data.slice(), width, height };
}

/**
 * The cheapest copy of a video, a canvas or a bitmap, whose pixels the worker can read as they are;
 * `undefined` where the browser has none.
 */
function videoFrameOf(frame: FrameSource, width: number, height: number): VideoFrame | undefined {
  const moving = is(frame, 'HTMLVideoElement');
  const drawn = ['HTMLCanvasElement', 'OffscreenCanvas', 'ImageBitmap'].some((kind) => is(frame, kind));
  if (typeof VideoFrame === 'undefined' || !(moving || drawn)) return undefined;
  try {
    const taken = new VideoFrame(frame as CanvasImageSource, moving ? {} : { timestamp: 0 });
    // Some browsers lose the rotation of a recorded video on this way, but not on the other.
    if (taken.displayWidth === width && taken.displayHeight === height) return taken;
    taken.close();
  } catch {
    // What it is, the other way will say.
  }
  return undefined;
}

function unreadable(error: unknown): never {
  throw new OctomaskError('bad-input', `The frame cannot be read: ${messageOf(error)}.`, { cause: error });
}

/** What of a frame goes over to the worker instead of being copied. */
export function transferOf(frame: WireFrame): Transferable[] {
  return ['data' in frame ? frame.data.buffer : frame];
}

/** Lets go of a frame of ours; one that was transferred is gone already. */
export function closeFrame(frame: WireFrame): void {
  if ('close' in frame) frame.close();
}

function sizeOf(frame: FrameSource): { width: number; height: number } {
  if (is(frame, 'HTMLVideoElement')) {
    const video = frame as HTMLVideoElement;
    return { width: video.videoWidth, height: video.videoHeight };
  }
  if (is(frame, 'VideoFrame')) {
    const { displayWidth, displayHeight } = frame as VideoFrame;
    return { width: displayWidth, height: displayHeight };
  }
  if (is(frame, 'HTMLImageElement')) {
    const image = frame as HTMLImageElement;
    return { width: image.naturalWidth, height: image.naturalHeight };
  }
  const { width, height } = (frame ?? {}) as Partial<ImageBitmap>;
  if (typeof width !== 'number' || typeof height !== 'number') {
    throw new OctomaskError('bad-input', 'A frame is a VideoFrame, an ImageBitmap, an ImageData, a canvas, an image or a video element.');
  }
  return { width, height };
}

function smaller(width: number, height: number): ImageBitmapOptions {
  const scale = Math.sqrt(MAX_PIXELS / (width * height));
  return {
    resizeWidth: Math.max(1, Math.floor(width * scale)),
    resizeHeight: Math.max(1, Math.floor(height * scale)),
    resizeQuality: 'medium',
  };
}

/** For browsers without `createImageBitmap`. */
function draw(frame: CanvasImageSource, width: number, height: number): RawPixels {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('there is no 2d context for a canvas');
  context.drawImage(frame, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/** By name, so that no class has to exist, and frames of other windows pass. */
function is(frame: FrameSource, kind: string): boolean {
  return Object.prototype.toString.call(frame) === `[object ${kind}]`;
}
