/**
 * The roofline: each layer a point at its arithmetic intensity and its speed, under the two limits that were measured
 * on this device. After Williams, Waterman, Patterson: Roofline, CACM 52(4), 2009.
 */

import type { LayerTime, Profile } from 'octomask';
import { digits, makeSvg } from '../dom.ts';

const [WIDTH, HEIGHT] = [640, 340];
const MARGIN = { left: 56, right: 16, top: 12, bottom: 44 };

/** Powers of ten around both numbers. */
function decades(least: number, most: number): [number, number] {
  return [Math.floor(Math.log10(least)), Math.max(Math.ceil(Math.log10(most)), Math.floor(Math.log10(least)) + 1)];
}

/** Operations per byte of a layer; layers without arithmetic have no place in the plot. */
function intensity(layer: LayerTime): number {
  return layer.bytes > 0 ? (2 * layer.macs) / layer.bytes : 0;
}

export function roofline(profile: Profile): SVGSVGElement {
  const { gflops: most, gbps } = profile.peak;
  const layers = profile.layers.filter((layer) => layer.macs > 0 && layer.gflops > 0);
  const ridge = most / gbps;
  const xs = [ridge, ...layers.map(intensity)];
  const ys = [most, ...layers.map((layer) => layer.gflops)];
  const [x0, x1] = decades(Math.min(...xs), Math.max(...xs));
  const [y0, y1] = decades(Math.min(...ys), Math.max(...ys));
  const x = (value: number) => MARGIN.left + ((Math.log10(value) - x0) / (x1 - x0)) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (value: number) => HEIGHT - MARGIN.bottom - ((Math.log10(value) - y0) / (y1 - y0)) * (HEIGHT - MARGIN.top - MARGIN.bottom);

  const svg = makeSvg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: 'chart', role: 'img' });
  const slowest = [...layers].sort((a, b) => b.ms.median - a.ms.median)[0];
  const said = `Roofline of ${layers.length} layers: limits ${digits(most)} GFLOP/s and ${digits(gbps)} GB/s.`
    + (slowest ? ` The slowest, ${slowest.op} ${slowest.index}, runs at ${digits(slowest.gflops)} GFLOP/s.` : '');
  svg.append(makeSvg('title', {}, said));
  for (let p = x0; p <= x1; p++) {
    const at = x(10 ** p);
    svg.append(makeSvg('line', { class: 'grid', x1: at, x2: at, y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom }));
    svg.append(makeSvg('text', { x: at, y: HEIGHT - MARGIN.bottom + 18, 'text-anchor': 'middle' }, powerOfTen(p)));
  }
  for (let p = y0; p <= y1; p++) {
    const at = y(10 ** p);
    svg.append(makeSvg('line', { class: 'grid', x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: at, y2: at }));
    svg.append(makeSvg('text', { x: MARGIN.left - 8, y: at + 4, 'text-anchor': 'end' }, powerOfTen(p)));
  }
  const middle = (MARGIN.left + WIDTH - MARGIN.right) / 2;
  svg.append(makeSvg('text', { class: 'axis', x: middle, y: HEIGHT - 6, 'text-anchor': 'middle' }, 'Operations per byte'));
  const label = makeSvg('text', { class: 'axis', 'text-anchor': 'middle', transform: `translate(14 ${HEIGHT / 2 - 16}) rotate(-90)` }, 'GFLOP/s');
  svg.append(label);

  // The roof: memory up to the ridge, arithmetic from there on.
  const least = Math.max(10 ** x0, 10 ** y0 / gbps);
  const roof = [[least, least * gbps], [ridge, most], [10 ** x1, most]].map(([a, b]) => `${x(a!).toFixed(1)},${y(b!).toFixed(1)}`);
  svg.append(makeSvg('polyline', { class: 'roof', points: roof.join(' ') }));
  const longest = Math.max(...layers.map((layer) => layer.ms.median), 1e-9);
  // The largest first, so that small ones stay visible on top of them.
  for (const layer of [...layers].sort((a, b) => b.ms.median - a.ms.median)) {
    const point = makeSvg('circle', {
      class: intensity(layer) < ridge ? 'memory' : 'compute',
      cx: x(intensity(layer)).toFixed(1),
      cy: y(layer.gflops).toFixed(1),
      r: (3 + 9 * Math.sqrt(layer.ms.median / longest)).toFixed(1),
    });
    point.append(makeSvg('title', {}, `${layer.index} ${layer.op}: ${digits(layer.ms.median)} ms, ${digits(layer.gflops)} GFLOP/s at ${digits(intensity(layer))} operations per byte`));
    svg.append(point);
  }
  return svg;
}

function powerOfTen(power: number): string {
  return power >= -2 && power <= 4 ? String(10 ** power >= 1 ? 10 ** power : (10 ** power).toFixed(-power)) : `1e${power}`;
}
