/** Where a frame's time went, stage by stage, and the times of the last frames. */

import { make, makeSvg } from './dom.ts';
import { SHOW_EVERY_MS, type StageTimes } from './meter.ts';

const PARTS = ['capture', 'resize', 'infer', 'mask', 'draw'] as const;
/** Frames in the history: some seconds of a camera. */
const HISTORY = 120;
const [WIDTH, HEIGHT] = [360, 56];

export class FrameChart {
  readonly #bar = make('div', { class: 'bar', role: 'img' });
  readonly #line = makeSvg('polyline', { class: 'history' });
  readonly #most = make('span');
  #times: number[] = [];
  #shown = 0;

  constructor(place: HTMLElement) {
    for (const part of PARTS) this.#bar.append(make('span', { 'data-part': part }));
    this.#bar.append(make('span', { 'data-part': 'waiting' }));
    const svg = makeSvg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: 'chart', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, this.#line);
    place.append(this.#bar, svg, make('p', { class: 'caption' }, `The last ${HISTORY} frames, at most `, this.#most));
    this.reset();
  }

  /** Times of one frame in ms. */
  add(times: StageTimes, now: number): void {
    this.#times.push(times.total);
    if (this.#times.length > HISTORY) this.#times.shift();
    if (now - this.#shown < SHOW_EVERY_MS) return;
    this.#shown = now;
    const known = PARTS.reduce((sum, part) => sum + times[part], 0);
    PARTS.forEach((part, i) => this.#widen(i, times[part]));
    this.#widen(PARTS.length, Math.max(0, times.total - known));
    this.#bar.setAttribute('aria-label', `Of ${times.total.toFixed(1)} ms: ${PARTS.map((part) => `${part} ${times[part].toFixed(1)}`).join(', ')}`);
    const most = Math.max(...this.#times);
    this.#most.textContent = `${most.toFixed(1)} ms`;
    const x = (i: number) => (i / (HISTORY - 1)) * WIDTH;
    const y = (ms: number) => HEIGHT - 2 - (ms / most) * (HEIGHT - 4);
    this.#line.setAttribute('points', this.#times.map((ms, i) => `${x(i).toFixed(1)},${y(ms).toFixed(1)}`).join(' '));
  }

  reset(): void {
    this.#times = [];
    this.#shown = 0;
    this.#most.textContent = '–';
    this.#line.setAttribute('points', '');
    for (let i = 0; i <= PARTS.length; i++) this.#widen(i, 0);
  }

  #widen(index: number, ms: number): void {
    (this.#bar.children[index] as HTMLElement).style.flexGrow = ms.toFixed(3);
  }
}
