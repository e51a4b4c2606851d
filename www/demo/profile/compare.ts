/** Two profiles side by side: of two models, sizes, builds or numbers of threads. */

import type { Profile } from 'octomask';
import { breakable, digits, make } from '../dom.ts';

/** A profile and what it is of. */
export interface Named {
  title: string;
  profile: Profile;
}

/** A table of both: whole runs, memory, and by layer if they have the same layers, else by operator. */
export function comparison(before: Named, after: Named): HTMLTableElement {
  const row = (what: string, a: number, b: number, unit: string) => {
    const ratio = a > 0 && b > 0 ? `${digits(b / a)}×` : '–';
    const cells = [digits(a) + unit, digits(b) + unit, ratio].map((text) => make('td', { class: 'number' }, text));
    return make('tr', {}, make('th', { scope: 'row' }, breakable(what)), ...cells);
  };
  const [a, b] = [before.profile, after.profile];
  const rows = [
    row('Median run', a.totalMs.median, b.totalMs.median, ' ms'),
    row('Loading', a.initMs, b.initMs, ' ms'),
    row('Activations', a.arenaBytes / 1024, b.arenaBytes / 1024, ' KiB'),
    row('Weights', a.weightBytes / 1024, b.weightBytes / 1024, ' KiB'),
  ];
  if (sameLayers(a, b)) {
    a.layers.forEach((layer, i) => rows.push(row(`${layer.index} ${layer.op}`, layer.ms.median, b.layers[i]!.ms.median, ' ms')));
  } else {
    const of = (profile: Profile, op: string) => profile.byType.find((type) => type.op === op)?.ms ?? 0;
    const ops = new Set([...a.byType, ...b.byType].map((type) => type.op));
    for (const op of ops) rows.push(row(op, of(a, op), of(b, op), ' ms'));
  }
  const heading = (text: string) => make('th', { scope: 'col', class: 'number' }, text);
  return make(
    'table',
    { class: 'compared' },
    make('caption', {}, make('strong', {}, 'Side by side'), make('br'), `Kept: ${before.title}`, make('br'), `Now: ${after.title}`),
    make('thead', {}, make('tr', {}, make('td'), heading('Kept'), heading('Now'), heading('Ratio'))),
    make('tbody', {}, ...rows),
  );
}

function sameLayers(a: Profile, b: Profile): boolean {
  return a.layers.length === b.layers.length && a.layers.every((layer, i) => layer.index === b.layers[i]!.index && layer.op === b.layers[i]!.op);
}
