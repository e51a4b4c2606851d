/** The table of layers: one row per step of the plan, in the order in which they run. */

import type { LayerInfo } from 'octomask';
import { breakable } from './dom.ts';
import { BLEND, SHOW_EVERY_MS } from './meter.ts';
import { ui } from './ui.ts';

interface Row {
  element: HTMLTableRowElement;
  ms: HTMLElement;
  share: HTMLElement;
  shareText: HTMLElement;
}

/** Another layer must be this much slower to take the mark, or it would jump between two. */
const MARK_MARGIN = 1.1;

export class LayerTable {
  #rows: Row[] = [];
  #averages: Float64Array | undefined;
  #slowest = -1;
  #shown = 0;

  /** New rows, for another model or size. */
  setLayers(layers: LayerInfo[]): void {
    this.#rows = layers.map(makeRow);
    ui.layers.tBodies[0]?.replaceChildren(...this.#rows.map((row) => row.element));
    this.reset();
  }

  /** Forgets the times. */
  reset(): void {
    this.#averages = undefined;
    this.#slowest = -1;
    this.#shown = 0;
  }

  /** Times of one run, in ms. */
  add(times: Float64Array, now: number): void {
    if (times.length !== this.#rows.length) return;
    if (!this.#averages) this.#averages = times.slice();
    const averages = this.#averages;
    for (let i = 0; i < times.length; i++) averages[i]! += BLEND * (times[i]! - averages[i]!);
    if (now - this.#shown < SHOW_EVERY_MS) return;
    this.#shown = now;
    this.#show(averages);
  }

  #show(averages: Float64Array): void {
    const total = averages.reduce((sum, ms) => sum + ms, 0);
    const most = Math.max(...averages);
    this.#rows.forEach((row, index) => {
      const ms = averages[index]!;
      row.ms.textContent = ms.toFixed(3);
      row.shareText.textContent = total > 0 ? `${((100 * ms) / total).toFixed(1)} %` : '–';
      row.share.style.setProperty('--part', most > 0 ? (ms / most).toFixed(3) : '0');
    });
    ui.layersTotal.textContent = total.toFixed(2);
    this.#mark(averages);
  }

  #mark(averages: Float64Array): void {
    const slowest = averages.indexOf(Math.max(...averages));
    const before = this.#slowest;
    if (slowest === before || (before >= 0 && averages[slowest]! < averages[before]! * MARK_MARGIN)) return;
    this.#rows[before]?.element.removeAttribute('data-slowest');
    this.#rows[slowest]?.element.setAttribute('data-slowest', '');
    this.#slowest = slowest;
  }
}

function makeRow(layer: LayerInfo): Row {
  const element = document.createElement('tr');
  const cell = (className: string, text: string): HTMLElement => {
    const made = document.createElement('td');
    made.className = className;
    made.textContent = text;
    element.append(made);
    return made;
  };
  cell('number', String(layer.index));
  const op = cell('op', breakable(layer.op));
  op.title = layer.fused.length > 0 ? `${layer.kernel}, with operators ${layer.fused.join(', ')}` : layer.kernel;
  cell('shape', layer.outputShape.join('×'));
  const ms = cell('number ms', '–');
  const share = cell('share', '');
  const shareText = document.createElement('span');
  shareText.textContent = '–';
  share.append(shareText);
  return { element, ms, share, shareText };
}
