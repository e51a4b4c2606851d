/** From opening a page to its first mask, with all files in the browser's cache. */

const PAGE = `<!doctype html><meta charset="utf-8"><title>First mask</title><link rel="icon" href="data:,">
<script type="module">
  import { createSegmenter } from '/octomask/index.js';
  import { drawn } from '/bench/frame.mjs';
  const frame = { url: '/target/bench/frame-640x480.rgba', width: 640, height: 480 };
  const [segmenter, canvas] = await Promise.all([createSegmenter(), drawn(frame)]);
  const { width } = await segmenter.segment(canvas);
  globalThis.firstMask = { ms: performance.now(), build: segmenter.model.runtime.build, width };
</script>`;

export const pages = { '/first-mask.html': PAGE };

/** ms since navigation began, of each of `tries` openings after two that fill the caches. */
export async function firstMask(page, url, tries = 7) {
  const times = [];
  let build;
  for (let i = -2; i < tries; i++) {
    await page.goto(`${url}/first-mask.html`);
    await page.waitForFunction(() => globalThis.firstMask);
    const first = await page.evaluate(() => globalThis.firstMask);
    build = first.build;
    if (i >= 0) times.push(first.ms);
    await page.goto('about:blank');
  }
  return { build, times };
}
