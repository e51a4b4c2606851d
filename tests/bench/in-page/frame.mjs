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
