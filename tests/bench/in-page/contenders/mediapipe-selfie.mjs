/** MediaPipe's selfie solution from pixels to mask, read back to memory as Octomask's is. It draws with WebGL. */

import { drawn } from '../frame.mjs';
import { loadScript } from '../host.mjs';

export async function open({ frame, landscape }) {
  await loadScript('/mediapipe/selfie_segmentation/selfie_segmentation.js');
  const solution = new globalThis.SelfieSegmentation({ locateFile: (file) => `/mediapipe/selfie_segmentation/${file}` });
  solution.setOptions({ modelSelection: landscape ? 1 : 0, selfieMode: false });
  let mask;
  solution.onResults((results) => {
    mask = results.segmentationMask;
  });
  await solution.initialize();
  const canvas = await drawn(frame);
  const target = document.createElement('canvas');
  const context = target.getContext('2d', { willReadFrequently: true });
  const run = async () => {
    await solution.send({ image: canvas });
    [target.width, target.height] = landscape ? [256, 144] : [256, 256];
    context.drawImage(mask, 0, 0, target.width, target.height);
    return context.getImageData(0, 0, target.width, target.height);
  };
  return {
    run,
    async output() {
      const { data, width, height } = await run();
      // The mask is in the alpha channel, and in red.
      return { data: Uint8Array.from({ length: width * height }, (_, i) => data[4 * i + 3]), width, height };
    },
    close: () => solution.close(),
  };
}
