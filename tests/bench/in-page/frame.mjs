/** A camera's picture: {url of raw RGBA, width, height}. */

export async function pixels({ url, width, height }) {
  return new ImageData(new Uint8ClampedArray(await (await fetch(url)).arrayBuffer()), width, height);
}

/** The same on a canvas. */
export async function drawn(frame) {
  const canvas = document.createElement('canvas');
  canvas.width = frame.width;
  canvas.height = frame.height;
  canvas.getContext('2d', { willReadFrequently: true }).putImageData(await pixels(frame), 0, 0);
  return canvas;
}

/** The same as cameras give it: brightness for each pixel, colour for each square of four (I420, BT.601). */
export async function filmed(frame) {
  const { data, width, height } = await pixels(frame);
  const size = width * height;
  const bytes = new Uint8Array(1.5 * size);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const [red, green, blue] = data.subarray(4 * at, 4 * at + 3);
      bytes[at] = Math.round(16 + 0.2568 * red + 0.5041 * green + 0.0979 * blue);
      if (x % 2 || y % 2) continue;
      const square = size + (y / 2) * (width / 2) + x / 2;
      bytes[square] = Math.round(128 - 0.1482 * red - 0.291 * green + 0.4392 * blue);
      bytes[square + size / 4] = Math.round(128 + 0.4392 * red - 0.3678 * green - 0.0714 * blue);
    }
  }
  const colorSpace = { matrix: 'smpte170m', primaries: 'smpte170m', transfer: 'smpte170m', fullRange: false };
  return new VideoFrame(bytes, { format: 'I420', codedWidth: width, codedHeight: height, timestamp: 0, colorSpace });
}
