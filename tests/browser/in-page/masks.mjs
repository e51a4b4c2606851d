/** Runs in the page: fixtures, and how much two masks agree. */

/** TFLite's mask: `name` as tests/browser/fixtures.py calls it, at `width` x `height`. */
export async function expectedMask(name, width, height) {
  const response = await fetch(`/fixtures/${name}.${width}x${height}.u8`);
  if (!response.ok) throw new Error(`no fixture ${name}.${width}x${height}.u8`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Intersection over union of two masks at one half. */
export function iou(a, b) {
  if (a.length !== b.length) throw new Error(`masks of ${a.length} and ${b.length} pixels`);
  let both = 0;
  let either = 0;
  for (let i = 0; i < a.length; i++) {
    const inA = a[i] >= 128;
    const inB = b[i] >= 128;
    if (inA && inB) both++;
    if (inA || inB) either++;
  }
  return both / either;
}

/** The picture of a person, as an image element. */
export async function pictureElement() {
  const image = new Image();
  image.src = '/fixtures/picture.png';
  await image.decode();
  return image;
}

/** The same as ImageData. */
export async function pictureData() {
  const image = await pictureElement();
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** Frames of the picture as cameras and decoders give them; those that the browser cannot make are left out. */
export async function videoFrames() {
  const { data, width, height } = await pictureData();
  const frames = {};
  const add = (name, bytes, options) => {
    let frame;
    try {
      frame = new VideoFrame(bytes, { codedWidth: width, codedHeight: height, timestamp: 0, ...options });
    } catch {
      // Not every browser has every format.
      return;
    }
    // WebKitGTK takes a part from the upper left corner whatever it is asked for, and its colours from elsewhere.
    const { x, y } = options.visibleRect ?? frame.visibleRect;
    if (frame.visibleRect.x === x && frame.visibleRect.y === y) frames[name] = frame;
    else frame.close();
  };
  const standards = {
    smpte170m: [0.299, 0.114],
    bt709: [0.2126, 0.0722],
  };
  for (const [matrix, [red, blue]] of Object.entries(standards)) {
    for (const fullRange of [true, false]) {
      const [black, gain, reach] = fullRange ? [0, 1, 1] : [16, 219 / 255, 224 / 255];
      const yuv = (at) => {
        const [r, g, b] = data.subarray(4 * at, 4 * at + 3);
        const y = red * r + (1 - red - blue) * g + blue * b;
        const color = (c, weight) => 128 + (reach * (c - y)) / (2 * (1 - weight));
        return [black + gain * y, color(b, blue), color(r, red)];
      };
      // Of the upper left `w` x `h` pixels; colours at half the sides, rounded up.
      const planes = (w, h) => {
        const [halfWidth, size] = [Math.ceil(w / 2), w * h];
        const quarter = halfWidth * Math.ceil(h / 2);
        const i420 = new Uint8ClampedArray(size + 2 * quarter);
        const nv12 = new Uint8ClampedArray(size + 2 * quarter);
        for (let at = 0; at < size; at++) {
          const [column, row] = [at % w, Math.floor(at / w)];
          const [y, u, v] = yuv(row * width + column);
          i420[at] = nv12[at] = y;
          if (column % 2 || row % 2) continue;
          const half = (row / 2) * halfWidth + column / 2;
          i420[size + half] = nv12[size + 2 * half] = u;
          i420[size + quarter + half] = nv12[size + 2 * half + 1] = v;
        }
        return { i420, nv12 };
      };
      const { i420, nv12 } = planes(width, height);
      const colorSpace = { matrix, fullRange, primaries: 'bt709', transfer: 'bt709' };
      const range = fullRange ? 'full' : 'limited';
      add(`I420 ${matrix} ${range}`, i420, { format: 'I420', colorSpace });
      add(`NV12 ${matrix} ${range}`, nv12, { format: 'NV12', colorSpace });
      if (matrix === 'bt709' || fullRange) continue;
      add('I420 of unknown colours', i420, { format: 'I420', colorSpace: { matrix: null, fullRange: null, primaries: null, transfer: null } });
      add('part of an I420', i420, { format: 'I420', colorSpace, visibleRect: { x: 64, y: 32, width: 501, height: 375 } });
      add('I420 of odd sides', planes(501, 375).i420, { format: 'I420', colorSpace, codedWidth: 501, codedHeight: 375 });
      add('I420 of wide pixels', i420, { format: 'I420', colorSpace, displayWidth: 2 * width, displayHeight: height });
      add('I420 that lies on its side', i420, { format: 'I420', colorSpace, rotation: 90 });
      add('I420 of wide colours', i420, { format: 'I420', colorSpace: { matrix: 'bt2020-ncl', fullRange, primaries: 'bt2020', transfer: 'bt709' } });
      add('I420 with alpha', withAlpha(i420, width * height), { format: 'I420A', colorSpace });
    }
  }
  add('RGBA', data, { format: 'RGBA' });
  add('BGRX', data.map((_, i) => data[i % 4 === 3 ? i : i - (i % 4) + 2 - (i % 4)]), { format: 'BGRX' });
  return frames;
}

function withAlpha(i420, size) {
  const bytes = new Uint8Array(2.5 * size).fill(255);
  bytes.set(i420);
  return bytes;
}

/** What the browser itself draws of a frame. */
export function drawnBy(frame) {
  const canvas = new OffscreenCanvas(frame.displayWidth, frame.displayHeight);
  const context = canvas.getContext('2d');
  context.drawImage(frame, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** For each kind of frame, how its mask differs from that of what the browser draws of it. */
export async function videoFrameMasks(createSegmenter) {
  const segmenter = await createSegmenter({ smoothing: false });
  const results = [];
  for (const [kind, frame] of Object.entries(await videoFrames())) {
    const want = (await segmenter.segment(drawnBy(frame))).data;
    const got = (await segmenter.segment(frame)).data;
    const mean = got.reduce((sum, v, i) => sum + Math.abs(v - want[i]), 0) / got.length;
    const person = want.filter((v) => v >= 128).length / want.length;
    results.push({ kind, mean, person, iou: iou(got, want) });
    frame.close();
  }
  segmenter.dispose();
  return results;
}
