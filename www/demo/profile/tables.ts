/** The tables of a profile: every layer, and all of one operator together. */

import type { LayerTime, Profile, TypeTime } from 'octomask';
import { type Column, SortableTable } from '../sortable.ts';
import { breakable, digits } from '../dom.ts';

const LAYER: Column<LayerTime>[] = [
  { title: '#', value: (l) => l.index, hint: (l) => (l.fused.length > 0 ? `with operators ${l.fused.join(', ')}` : '') },
  { title: 'Operator', value: (l) => l.op, text: (l) => breakable(l.op), hint: (l) => l.name },
  { title: 'Output', value: (l) => l.outputShape.reduce((a, b) => a * b, 1), text: (l) => l.outputShape.join('×') },
  { title: 'ms', value: (l) => l.ms.median, text: (l) => l.ms.median.toFixed(3), hint: (l) => `least ${l.ms.min.toFixed(3)}, mean ${l.ms.mean.toFixed(3)}, most ${l.ms.max.toFixed(3)}` },
  { title: 'Share', value: (l) => l.share, text: (l) => percent(l.share), part: (l) => l.share },
  { title: 'MMAC', value: (l) => l.macs / 1e6, text: (l) => digits(l.macs / 1e6) },
  { title: 'KiB', value: (l) => l.bytes / 1024, text: (l) => digits(l.bytes / 1024) },
  { title: 'GFLOP/s', value: (l) => l.gflops, text: (l) => (l.macs > 0 ? digits(l.gflops) : '–') },
  { title: 'Op/byte', value: (l) => l.intensity, text: (l) => (l.macs > 0 ? digits(l.intensity) : '–') },
  { title: 'Of limit', value: (l) => l.limitShare, text: (l) => percent(l.limitShare), hint: (l) => `bound by ${l.bound}`, part: (l) => l.limitShare },
  { title: 'Bound by', value: (l) => l.bound },
  { title: 'Kernel', value: (l) => l.kernel },
];

const TYPE: Column<TypeTime>[] = [
  { title: 'Operator', value: (t) => t.op, text: (t) => breakable(t.op) },
  { title: 'Layers', value: (t) => t.count },
  { title: 'ms', value: (t) => t.ms, text: (t) => t.ms.toFixed(3) },
  { title: 'Share', value: (t) => t.share, text: (t) => percent(t.share), part: (t) => t.share },
];

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** The least of the shares' bars reaches the edge. */
export function layerTable(profile: Profile): HTMLTableElement {
  const most = Math.max(...profile.layers.map((layer) => layer.share), 1e-9);
  const columns = LAYER.map((c) => (c.title === 'Share' ? { ...c, part: (l: LayerTime) => l.share / most } : c));
  const table = new SortableTable('Layers in running order; click a heading to sort', columns);
  table.rows = profile.layers;
  return table.element;
}

export function typeTable(profile: Profile): HTMLTableElement {
  const table = new SortableTable('By operator', TYPE);
  table.rows = profile.byType;
  return table.element;
}
