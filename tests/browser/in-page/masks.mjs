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
