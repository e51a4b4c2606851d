/** Bars of milliseconds, as SVG. */

import { nameOf } from './report.mjs';

const ROW = 22;
const LEFT = 230;
const WIDTH = 460;
const COLOURS = { octomask: '#0f766e', litert: '#94a3b8', onnxruntime: '#c4a484', 'tfjs-tflite': '#b39ddb', native: '#475569' };

const escape = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/**
 * `groups`: [{title, bars: [{runtime, build, threads, typical, p95}]}]. A bar is the time of runs that nothing
 * disturbed, the thin line goes on to the 95th percentile, as far as there is room; each group has its own scale, so
 * that small models can be read. `about` says what was measured on.
 */
export function chart(groups, about) {
  const parts = [];
  let y = 24;
  const text = (at, line, content, more = '') => parts.push(`<text x="${at}" y="${line}" ${more}>${escape(content)}</text>`);
  text(10, y, `ms per run that nothing disturbed, and line to the 95th percentile. ${about.cpu}, ${about.browser}, ${about.date}`, 'fill="#64748b"');
  for (const { title, bars } of groups) {
    const longest = Math.max(...bars.map((b) => b.typical)) * 1.15;
    const x = (ms) => Math.min(1, ms / longest) * WIDTH;
    y += 34;
    text(10, y, title, 'font-weight="bold"');
    for (const bar of bars) {
      y += ROW;
      text(LEFT - 8, y, `${nameOf(bar)}, ${bar.threads}`, 'text-anchor="end"');
      parts.push(`<rect x="${LEFT}" y="${y - 12}" width="${x(bar.typical).toFixed(1)}" height="16" rx="2" fill="${COLOURS[bar.runtime]}"/>`);
      parts.push(`<path d="M${LEFT} ${y - 4}h${x(bar.p95).toFixed(1)}" stroke="#64748b"/>`);
      text(LEFT + 6 + x(Math.max(bar.p95, bar.typical)), y, bar.typical.toFixed(2));
    }
  }
  const size = `width="${LEFT + WIDTH + 80}" height="${y + 20}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
${parts.join('\n')}
</svg>
`;
}
