/** In the worker: the pixels of a frame, in whatever layout the browser has them. */

import { OctomaskError, messageOf } from './errors.ts';
import type { WireFrame } from './messages.ts';
import type { Pixels } from './wasm.ts';

/** Gives room for so many bytes; each call may move what the one before gave. */
export type Room = (bytes: number) => Uint8Array<ArrayBufferLike>;

/** What bytes without brightness and colour are. */
const RGBA = { layout: 'RGBA', matrix: 'bt601', fullRange: true } as const;

let canvas: OffscreenCanvas | undefined;
let context: OffscreenCanvasRenderingContext2D | null = null;

/** Copies the pixels of a frame, which the caller then closes, and says what they are. */
export async function copyPixels(frame: WireFrame, room: Room): Promise<Pixels> {
  if ('data' in frame) {
    const { width, height, data } = frame;
    room(width * height * 4).set(data);
    return { width, height, ...RGBA };
  }
  if (!('codedWidth' in frame)) return draw(frame, frame.width, frame.height, room);
  const { displayWidth, displayHeight } = frame;
  return (await copyVideoFrame(frame, room)) ?? draw(frame, displayWidth, displayHeight, room);
}

/**
 * `copyTo` needs no canvas, but knows nothing of rotation or of pixels that are not square, and
 * older browsers ignore the format that is asked for: for all those there is the canvas.
 */
async function copyVideoFrame(frame: VideoFrame, room: Room): Promise<Pixels | undefined> {
  const { displayWidth: width, displayHeight: height, visibleRect } = frame;
  const upright = !(frame as { rotation?: number }).rotation && !(frame as { flip?: boolean }).flip;
  const asShown = visibleRect?.width === width && visibleRect.height === height;
  if (!upright || !asShown) return undefined;
  const own = ownPixels(frame);
  // As they are if we understand them, or the browser converts them, which costs it many times the copy.
  const options: VideoFrameCopyToOptions = own ? {} : { format: 'RGBA', colorSpace: 'srgb' };
  const pixels = own ?? { width, height, ...RGBA };
  try {
    const bytes = bytesOf(pixels);
    if (frame.allocationSize(options) !== bytes) return undefined;
    await frame.copyTo(room(bytes), options);
    return pixels;
  } catch {
    return undefined;
  }
}

/** What the frame's own bytes are, if the runtime understands them. */
function ownPixels({ format, colorSpace, displayWidth: width, displayHeight: height }: VideoFrame): Pixels | undefined {
  const { matrix, primaries, transfer, fullRange } = colorSpace;
  // Wide colours and high dynamic range need more than a matrix.
  if (!['bt709', 'smpte170m', null].includes(primaries)) return undefined;
  if (!['bt709', 'smpte170m', 'iec61966-2-1', null].includes(transfer)) return undefined;
  if (format === 'RGBA' || format === 'RGBX') return { width, height, ...RGBA };
  if (format === 'BGRA' || format === 'BGRX') return { width, height, ...RGBA, layout: 'BGRA' };
  if (format !== 'I420' && format !== 'NV12') return undefined;
  const known = { width, height, layout: format, fullRange: fullRange === true };
  if (matrix === 'bt709') return { ...known, matrix: 'bt709' };
  // Cameras often say nothing.
  if (matrix === 'smpte170m' || matrix === 'bt470bg' || matrix === null) return { ...known, matrix: 'bt601' };
  return undefined;
}

function bytesOf({ layout, width, height }: Pixels): number {
  if (layout === 'RGBA' || layout === 'BGRA') return width * height * 4;
  return width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2);
}

function draw(frame: VideoFrame | ImageBitmap, width: number, height: number, room: Room): Pixels {
  try {
    if (!canvas || canvas.width !== width || canvas.height !== height) {
      canvas = new OffscreenCanvas(width, height);
      context = canvas.getContext('2d', { willReadFrequently: true });
    }
    if (!context) throw new Error('there is no 2d context for an OffscreenCanvas');
    context.clearRect(0, 0, width, height);
    context.drawImage(frame, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    room(data.length).set(data);
    return { width, height, ...RGBA };
  } catch (error) {
    throw new OctomaskError('bad-input', `The pixels of the frame cannot be read: ${messageOf(error)}.`);
  }
}
