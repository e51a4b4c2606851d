/** Frames per second and the time of each stage, calm enough to be read. */

import { ui } from './ui.ts';

export const STAGES = ['capture', 'resize', 'infer', 'mask', 'draw', 'total'] as const;
export type StageTimes = Record<(typeof STAGES)[number], number>;

/** Weight of a new time in the running average. */
export const BLEND = 0.15;
/** The numbers change this often. */
export const SHOW_EVERY_MS = 250;

const cells = Object.fromEntries(
  STAGES.map((stage) => [stage, document.querySelector<HTMLElement>(`[data-stage="${stage}"]`)]),
);

export class Meter {
  #averages: StageTimes | undefined;
  /** When the frames of the last second were drawn. */
  #drawn: number[] = [];
  #shown = 0;

  add(times: StageTimes, now: number): void {
    const averages = (this.#averages ??= { ...times });
    for (const stage of STAGES) averages[stage] += BLEND * (times[stage] - averages[stage]);
    this.#drawn.push(now);
    while ((this.#drawn[0] ?? now) < now - 1000) this.#drawn.shift();
    if (now - this.#shown < SHOW_EVERY_MS) return;
    this.#shown = now;
    for (const stage of STAGES) setText(cells[stage], `${averages[stage].toFixed(2)} ms`);
    const first = this.#drawn[0] ?? now;
    setText(ui.fps, now > first ? (((this.#drawn.length - 1) * 1000) / (now - first)).toFixed(1) : '–');
  }

  /** Forgets: another model, size or source. */
  reset(): void {
    this.#averages = undefined;
    this.#drawn = [];
    this.#shown = 0;
  }

  /** A picture has no frames per second. */
  still(): void {
    setText(ui.fps, '–');
  }
}

function setText(cell: HTMLElement | null | undefined, text: string): void {
  if (cell && cell.textContent !== text) cell.textContent = text;
}
