/** The section “Input sizes”: time and mask against the size, as charts and as a table of which a row chooses a size. */

import { type Model, OctomaskError, type Size, type Sweep, type SweepRow, sweepSizes } from 'octomask';
import type { Engine } from './engine.ts';
import type { FrameLoop } from './loop.ts';
import { sizeText } from './pace.ts';
import { plot } from './plot.ts';
import { ui } from './ui.ts';

export class SizeSweep {
  readonly #engine: Engine;
  readonly #loop: FrameLoop;
  readonly #choose: (size: Size) => void;
  #running: { abort: AbortController; ended: Promise<void> } | undefined;

  /** `choose` is called with the size of a row that is clicked. */
  constructor(engine: Engine, loop: FrameLoop, choose: (size: Size) => void) {
    this.#engine = engine;
    this.#loop = loop;
    this.#choose = choose;
  }

  /** Measures; gives up instead when it does so already. Fails with what went wrong. */
  async toggle(): Promise<void> {
    if (this.#running) return await this.stop();
    const model = this.#engine.segmenter?.model;
    if (!model) return;
    const abort = new AbortController();
    const swept = this.#sweep(model, abort.signal);
    this.#running = { abort, ended: swept.catch(() => undefined) };
    await swept;
  }

  /** Gives up; the model has its size back then. */
  async stop(): Promise<void> {
    this.#running?.abort.abort();
    await this.#running?.ended;
  }

  /** Forgets what was measured: another model. */
  clear(): void {
    ui.sweepResult.hidden = true;
    ui.sweepText.textContent = '';
  }

  /** Marks the row of the size that runs. */
  mark(size: Size | undefined): void {
    for (const row of ui.sweepTable.tBodies[0]?.rows ?? []) {
      row.toggleAttribute('data-current', size !== undefined && row.dataset['size'] === sizeText(size));
    }
  }

  async #sweep(model: Model, signal: AbortSignal): Promise<void> {
    ui.sweep.textContent = 'Stop';
    ui.sweepProgress.hidden = false;
    ui.sweepProgress.value = 0;
    ui.sweepText.textContent = 'Each size is run several times, all of them in turn…';
    try {
      await this.#loop.hold();
      const sweep = await sweepSizes(model, {
        frame: this.#loop.source?.element,
        progress: (done) => { ui.sweepProgress.value = done; },
        signal,
      });
      // While it ran, another model may have come.
      if (model === this.#engine.segmenter?.model) this.#show(sweep);
    } catch (error) {
      this.clear();
      const given = error instanceof OctomaskError && ['aborted', 'disposed'].includes(error.code);
      if (!given) throw error;
    } finally {
      this.#running = undefined;
      ui.sweep.textContent = 'Sweep';
      ui.sweepProgress.hidden = true;
      this.#loop.release();
    }
  }

  #show(sweep: Sweep): void {
    const { rows, refused, reference } = sweep;
    ui.sweepText.textContent = sentences(sweep);
    ui.sweepPlots.replaceChildren(timeChart(sweep), ...(sweep.compared ? [maskChart(sweep)] : []));
    const body = ui.sweepTable.tBodies[0];
    body?.replaceChildren(
      ...rows.map((row) => this.#row(row)),
      ...refused.map(({ height, width, reason }) => tableRow([sizeText([height, width])], reason)),
    );
    ui.sweepReference.textContent = sizeText(reference);
    this.mark(this.#engine.size);
    ui.sweepResult.hidden = false;
  }

  #row(row: SweepRow): HTMLTableRowElement {
    const size: Size = [row.height, row.width];
    const made = tableRow(['', row.ms.median.toFixed(2), row.relative.toFixed(2), (row.macs / 1e6).toFixed(1), row.iou?.toFixed(3) ?? '–']);
    made.dataset['size'] = sizeText(size);
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = sizeText(size);
    button.title = 'Run the model at this size';
    made.cells[0]?.append(button);
    // The whole row takes clicks, the button those of keyboards.
    made.addEventListener('click', () => this.#choose(size));
    return made;
  }
}

function tableRow(cells: string[], reason?: string): HTMLTableRowElement {
  const row = document.createElement('tr');
  cells.forEach((text, i) => {
    const cell = document.createElement('td');
    if (i > 0) cell.className = 'number';
    cell.textContent = text;
    row.append(cell);
  });
  if (reason !== undefined) {
    const cell = document.createElement('td');
    cell.colSpan = 4;
    cell.textContent = reason;
    row.append(cell);
  }
  return row;
}

/** What half the sides bought, and what it cost. */
function sentences({ halving, rows, compared }: Sweep): string {
  const picture = compared ? '' : ' Open a picture or use the camera to see how the masks agree.';
  if (!halving) return `No size is half of another one.${picture}`;
  const { from, to, time } = halving;
  const half = rows.find((row) => row.height === to[0] && row.width === to[1]);
  const mask = half?.iou == null ? '' : ` The mask at ${sizeText(to)} agrees with an IoU of ${half.iou.toFixed(3)}.`;
  return `Half the sides, ${sizeText(from)} to ${sizeText(to)}, took ${Math.round(100 * time)} % of the time; a quarter of the pixels would be 25 %.${mask}${picture}`;
}

const longSide = (row: SweepRow) => Math.max(row.height, row.width);

function timeChart({ rows, reference }: Sweep): HTMLElement {
  const own = rows.find((row) => row.height === reference[0] && row.width === reference[1]) ?? rows.at(-1);
  const areaOf = (row: SweepRow) => row.height * row.width;
  const byArea = (row: SweepRow) => (own ? (own.ms.median * areaOf(row)) / areaOf(own) : 0);
  const [first, last] = [rows[0], rows.at(-1)];
  return plot({
    title: 'Time',
    summary: first && last ? `From ${first.ms.median.toFixed(2)} ms at ${sizeText([first.height, first.width])} to ${last.ms.median.toFixed(2)} ms at ${sizeText([last.height, last.width])}.` : '',
    x: { label: 'longer side, pixels', min: 0, ticks: sideTicks(rows) },
    y: { label: 'ms' },
    series: [
      { name: 'measured', points: rows.map((row) => ({ x: longSide(row), y: row.ms.median, label: `${sizeText([row.height, row.width])}: ${row.ms.median.toFixed(2)} ms` })) },
      { name: 'as the area grows', points: rows.map((row) => ({ x: longSide(row), y: byArea(row) })), style: 'dashed' },
    ],
  });
}

function maskChart({ rows, reference }: Sweep): HTMLElement {
  const known = rows.filter((row) => row.iou !== null);
  const least = known.reduce((a, b) => (b.iou! < a.iou! ? b : a), known[0] as SweepRow);
  return plot({
    title: `Mask: IoU with that at ${sizeText(reference)}`,
    summary: known.length > 0 ? `Least at ${sizeText([least.height, least.width])}: ${least.iou!.toFixed(3)}.` : 'Nothing was found in any mask.',
    x: { label: 'longer side, pixels', min: 0, ticks: sideTicks(rows) },
    y: { label: 'IoU', min: 0, max: 1, ticks: [0, 0.25, 0.5, 0.75, 1] },
    series: [{ name: 'IoU', points: known.map((row) => ({ x: longSide(row), y: row.iou!, label: `${sizeText([row.height, row.width])}: ${row.iou!.toFixed(3)}` })) }],
  });
}

/** As many of the sides as there is room for. */
function sideTicks(rows: SweepRow[]): number[] {
  const sides = rows.map(longSide);
  const room = Math.max(...sides) / 9;
  const kept = [0];
  for (const side of sides) if (side - kept.at(-1)! >= room) kept.push(side);
  return kept;
}
