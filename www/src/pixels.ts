/** In the worker: the pixels of a frame, as RGBA bytes. */

import { OctomaskError, messageOf } from './errors.ts';
import type { WireFrame } from './messages.ts';

/** Pixels that lie still, or can be copied to where they are wanted. */
export interface Pixels {
  width: number;
  height: number;
  /** Writes `width * height * 4` bytes, row-major RGBA. */
  copyTo(target: Uint8Array<ArrayBufferLike>): Promise<void> | void;
}

let canvas: OffscreenCanvas | undefined;
let context: OffscreenCanvasRenderingContext2D | null = null;

/** Opens a frame; the caller closes it when the pixels are copied. */
export function openPixels(frame: WireFrame): Pixels {
  if ('data' in frame) {
    return { width: frame.width, height: frame.height, copyTo: (target) => target.set(frame.data) };
  }
  if ('codedWidth' in frame) return openVideoFrame(frame);
  return drawn(frame, frame.width, frame.height);
}

/**
 * `copyTo` converts without a canvas, but knows nothing of rotation or of pixels that are not
 * square, and older browsers ignore the format: for all those there is the canvas.
 */
function openVideoFrame(frame: VideoFrame): Pixels {
  const { displayWidth: width, displayHeight: height, visibleRect } = frame;
  const upright = !(frame as { rotation?: number }).rotation && !(frame as { flip?: boolean }).flip;
  const asShown = visibleRect?.width === width && visibleRect.height === height;
  if (!upright || !asShown || !convertsToRgba(frame, width * height * 4)) return drawn(frame, width, height);
  return {
    width,
    height,
    async copyTo(target) {
      try {
        await frame.copyTo(target, { format: 'RGBA', colorSpace: 'srgb' });
      } catch {
        drawn(frame, width, height).copyTo(target);
      }
    },
  };
}

function convertsToRgba(frame: VideoFrame, bytes: number): boolean {
  try {
    return frame.allocationSize({ format: 'RGBA', colorSpace: 'srgb' }) === bytes;
  } catch {
    return false;
  }
}

function drawn(frame: VideoFrame | ImageBitmap, width: number, height: number): Pixels {
  return {
    width,
    height,
    copyTo(target) {
      try {
        if (!canvas || canvas.width !== width || canvas.height !== height) {
          canvas = new OffscreenCanvas(width, height);
          context = canvas.getContext('2d', { willReadFrequently: true });
        }
        if (!context) throw new Error('there is no 2d context for an OffscreenCanvas');
        context.clearRect(0, 0, width, height);
        context.drawImage(frame, 0, 0, width, height);
        target.set(context.getImageData(0, 0, width, height).data);
      } catch (error) {
        throw new OctomaskError('bad-input', `The pixels of the frame cannot be read: ${messageOf(error)}.`);
      }
    },
  };
}
