/** Small charts of lines and points, as SVG. Colours and sizes are in `style.css`; numbers belong in a table beside it. */

const SVG = 'http://www.w3.org/2000/svg';
/** Pixels of the drawing; it is stretched to the width that there is. */
const WIDTH = 360;
const HEIGHT = 210;
const MARGIN = { left: 44, right: 12, top: 12, bottom: 38 };
const TICKS = 5;

/** One direction of a chart. */
export interface Axis {
  /** What is shown, with its unit. */
  label: string;
  /** Ends of the axis; default: what the points need, from 0 on a linear axis. */
  min?: number;
  max?: number;
  /** Equal factors get equal lengths; then everything must be above 0. */
  log?: boolean;
  /** How a number at the axis is written. */
  format?: (value: number) => string;
  /** Where the axis has numbers; default: a few round ones. */
  ticks?: number[];
}

/** Points that belong together. */
export interface Series {
  name: string;
  points: { x: number; y: number; label?: string }[];
  /** `line` joins the points and marks them, `dashed` joins them only, `dots` only marks them. Default `line`. */
  style?: 'line' | 'dashed' | 'dots';
}

/** What a chart shows. */
export interface Chart {
  title: string;
  /** What one sees in it, in a sentence: for those who do not. */
  summary: string;
  x: Axis;
  y: Axis;
  series: Series[];
}

/** A chart with its title and, of several series, a legend. */
export function plot(chart: Chart): HTMLElement {
  const figure = document.createElement('figure');
  figure.className = 'plot';
  const caption = document.createElement('figcaption');
  caption.textContent = chart.title;
  figure.append(caption, drawing(chart));
  if (chart.series.length > 1) figure.append(legend(chart.series));
  return figure;
}

function drawing({ title, summary, x, y, series }: Chart): SVGSVGElement {
  const svg = element('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': `${title}. ${summary}` });
  const points = series.flatMap((each) => each.points);
  const [left, right, top, bottom] = [MARGIN.left, WIDTH - MARGIN.right, MARGIN.top, HEIGHT - MARGIN.bottom];
  const across = scale(x, points.map((point) => point.x), left, right);
  const up = scale(y, points.map((point) => point.y), bottom, top);
  for (const value of up.ticks) {
    const at = up.at(value);
    svg.append(element('line', { class: 'grid', x1: left, x2: right, y1: at, y2: at }));
    svg.append(text(up.format(value), { x: left - 6, y: at + 4, 'text-anchor': 'end' }));
  }
  for (const value of across.ticks) {
    const at = across.at(value);
    svg.append(element('line', { class: 'tick', x1: at, x2: at, y1: bottom, y2: bottom + 4 }));
    svg.append(text(across.format(value), { x: at, y: bottom + 16, 'text-anchor': 'middle' }));
  }
  svg.append(element('line', { class: 'axis', x1: left, x2: right, y1: bottom, y2: bottom }));
  svg.append(text(x.label, { class: 'label', x: (left + right) / 2, y: HEIGHT - 4, 'text-anchor': 'middle' }));
  svg.append(text(y.label, { class: 'label', x: -(top + bottom) / 2, y: 11, 'text-anchor': 'middle', transform: 'rotate(-90)' }));
  series.forEach(({ points, style = 'line' }, index) => {
    const group = element('g', { class: `series-${index} ${style}` });
    const places = points.map((point) => ({ ...point, x: across.at(point.x), y: up.at(point.y) }));
    if (style !== 'dots') group.append(element('polyline', { points: places.map((place) => `${place.x},${place.y}`).join(' ') }));
    for (const { x, y, label } of style === 'dashed' ? [] : places) {
      const dot = element('circle', { cx: x, cy: y, r: 3.5 });
      if (label) dot.append(Object.assign(element('title', {}), { textContent: label }));
      group.append(dot);
    }
    svg.append(group);
  });
  return svg;
}

function legend(series: Series[]): HTMLElement {
  const list = document.createElement('ul');
  series.forEach(({ name, style = 'line' }, index) => {
    const item = document.createElement('li');
    const sample = element('svg', { viewBox: '0 0 24 8', 'aria-hidden': 'true' });
    const group = element('g', { class: `series-${index} ${style}` });
    if (style !== 'dots') group.append(element('polyline', { points: '0,4 24,4' }));
    if (style !== 'dashed') group.append(element('circle', { cx: 12, cy: 4, r: 3.5 }));
    sample.append(group);
    item.append(sample, name);
    list.append(item);
  });
  return list;
}

interface Scale {
  ticks: number[];
  format: (value: number) => string;
  /** Where a value lies in the drawing. */
  at: (value: number) => number;
}

function scale(axis: Axis, values: number[], from: number, to: number): Scale {
  const known = values.filter((value) => Number.isFinite(value) && !(axis.log && value <= 0));
  const ticks = axis.ticks ?? (axis.log ? logTicks : linearTicks)(
    axis.min ?? (axis.log ? Math.min(...known, Infinity) : Math.min(0, ...known)),
    axis.max ?? Math.max(...known, -Infinity),
  );
  const [first = 0, last = 1] = [axis.min ?? Math.min(...ticks, ...known), axis.max ?? Math.max(...ticks, ...known)];
  const position = axis.log ? Math.log : (value: number) => value;
  const length = position(last) - position(first) || 1;
  return {
    ticks: ticks.filter((tick) => tick >= first && tick <= last),
    format: axis.format ?? ((value) => String(value)),
    at: (value) => round(from + ((position(value) - position(first)) / length) * (to - from)),
  };
}

/** A few round numbers from one that is not above `min` to one that is not below `max`. */
function linearTicks(min: number, max: number): number[] {
  if (!(max > min)) return [min, min + 1];
  const rough = (max - min) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((digit) => digit * power).find((step) => step >= rough * 0.999) ?? 10 * power;
  const first = Math.floor(min / step + 1e-9);
  const count = Math.ceil(max / step - 1e-9) - first;
  return Array.from({ length: count + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Numbers such as 0.1, 1, 10; with 2 and 5 between them where there are few. */
function logTicks(min: number, max: number): number[] {
  if (!(min > 0 && max >= min)) return [1, 10];
  const [first, last] = [Math.floor(Math.log10(min) + 1e-9), Math.ceil(Math.log10(max) - 1e-9)];
  const digits = last - first > 2 ? [1] : [1, 2, 5];
  const ticks = [];
  for (let power = first; power <= Math.max(last, first + 1); power++) ticks.push(...digits.map((digit) => Number(`${digit}e${power}`)));
  const end = ticks.findIndex((tick) => tick >= max);
  const start = ticks.filter((tick) => tick <= min).length - 1;
  return ticks.slice(Math.max(0, start), end < 0 ? undefined : end + 1);
}

/** Hundredths of a pixel will do. */
function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function element<K extends keyof SVGElementTagNameMap>(name: K, attributes: Record<string, string | number>): SVGElementTagNameMap[K] {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

function text(content: string, attributes: Record<string, string | number>): SVGTextElement {
  return Object.assign(element('text', attributes), { textContent: content });
}
