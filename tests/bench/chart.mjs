/** Bars of milliseconds, as SVG. */

const ROW = 26;
const LEFT = 190;
const WIDTH = 460;
const COLOURS = { litert: '#94a3b8', octomask: '#0f766e' };

const escape = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/**
 * `groups`: [{title, bars: [{name, library, threads, median, p95, right}]}]. A bar is the median, the
 * thin line goes on to the 95th percentile. `about` says what was measured on.
 */
export function chart(groups, about) {
  const longest = Math.max(...groups.flatMap((g) => g.bars.map((b) => b.p95)));
  const x = (ms) => (ms / longest) * WIDTH;
  const parts = [];
  let y = 24;
  const text = (at, line, content, more = '') => parts.push(`<text x="${at}" y="${line}" ${more}>${escape(content)}</text>`);
  text(10, y, `ms per run: median, and line to the 95th percentile. ${about.cpu}, ${about.browser}, ${about.date}`, 'fill="#64748b"');
  for (const { title, bars } of groups) {
    y += 34;
    text(10, y, title, 'font-weight="bold"');
    for (const bar of bars) {
      y += ROW;
      text(LEFT - 8, y, `${bar.name}, ${bar.threads}`, 'text-anchor="end"');
      const middle = y - 5;
      parts.push(`<rect x="${LEFT}" y="${y - 14}" width="${x(bar.median).toFixed(1)}" height="18" rx="2" fill="${COLOURS[bar.library]}"/>`);
      parts.push(`<path d="M${LEFT} ${middle}h${x(bar.p95).toFixed(1)}" stroke="#64748b"/>`);
      text(LEFT + 6 + x(Math.max(bar.p95, bar.median)), y, bar.right ? bar.median.toFixed(2) : 'wrong result');
    }
  }
  const size = `width="${LEFT + WIDTH + 80}" height="${y + 20}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
${parts.join('\n')}
</svg>
`;
}
