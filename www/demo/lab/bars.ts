/** Blocks side by side: a bar each for time, multiply-adds and memory, all of them against the most of their kind. */

import type { LabRow } from 'octomask';
import { digits, make } from '../dom.ts';

const KINDS: { kind: string; label: string; value(row: LabRow): number; text(row: LabRow): string }[] = [
  { kind: 'time', label: 'Time', value: (r) => r.ms.median, text: (r) => `${r.ms.median.toFixed(3)} ms` },
  { kind: 'macs', label: 'Multiply-adds', value: (r) => r.macs, text: (r) => `${digits(r.macs / 1e6)} M` },
  { kind: 'bytes', label: 'Memory', value: (r) => r.bytes, text: (r) => `${digits(r.bytes / 1024)} KiB` },
  { kind: 'parameters', label: 'Parameters', value: (r) => r.parameters, text: (r) => String(r.parameters) },
];

export function bars(title: string, rows: LabRow[]): HTMLElement {
  const most = KINDS.map(({ value }) => Math.max(...rows.map(value), 1e-12));
  const blocks = rows.map((row) => {
    const lines = KINDS.flatMap(({ kind, label, value, text }, i) => {
      const bar = make('span', { class: 'line', 'data-kind': kind }, make('span', {}, text(row)));
      bar.style.setProperty('--part', (value(row) / most[i]!).toFixed(3));
      return [make('span', { class: 'soft' }, label), bar];
    });
    return make('div', { class: 'block' }, make('h3', {}, row.name), ...lines);
  });
  return make('div', { class: 'bars', role: 'group', 'aria-label': title }, ...blocks);
}
