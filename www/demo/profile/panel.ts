/** The section that measures a profile, shows it, keeps it for comparison, and saves it for other tools. */

import type { Model, Profile, ProfileFormat } from 'octomask';
import { digits, download, make } from '../dom.ts';
import { sentenceOf } from '../problems.ts';
import { type Named, comparison } from './compare.ts';
import { roofline } from './roofline.ts';
import { layerTable, typeTable } from './tables.ts';

const FORMATS: { format: ProfileFormat; label: string; file: string; type: string }[] = [
  { format: 'text', label: 'Text', file: 'profile.txt', type: 'text/plain' },
  { format: 'csv', label: 'CSV', file: 'profile.csv', type: 'text/csv' },
  { format: 'json', label: 'JSON', file: 'profile.json', type: 'application/json' },
  { format: 'trace', label: 'Trace for Perfetto', file: 'profile.trace.json', type: 'application/json' },
];

/** What the section needs of the page. */
export interface Subject {
  model: Model;
  /** What is measured, in a few words. */
  title: string;
  /** Runs a task while no frames are. */
  alone<T>(task: () => Promise<T>): Promise<T>;
}

export class ProfilePanel {
  readonly #subject: () => Subject | undefined;
  readonly #measure = make('button', { type: 'button', class: 'primary' }, 'Measure');
  readonly #keep = make('button', { type: 'button', hidden: '' }, 'Keep for comparison');
  readonly #saves = make('span', { class: 'buttons', hidden: '' });
  readonly #said = make('p', { role: 'status' });
  readonly #result = make('div', { class: 'result' });
  #shown: Named | undefined;
  #kept: Named | undefined;

  /** Fills `section`; `subject` is what runs at the moment. */
  constructor(section: HTMLElement, subject: () => Subject | undefined) {
    this.#subject = subject;
    this.#measure.addEventListener('click', () => void this.#run());
    this.#keep.addEventListener('click', () => this.#keepShown());
    for (const each of FORMATS) {
      const button = make('button', { type: 'button', 'data-format': each.format }, each.label);
      button.addEventListener('click', () => void this.#save(each));
      this.#saves.append(button);
    }
    section.append(make('div', { class: 'buttons' }, this.#measure, this.#keep, this.#saves), this.#said, this.#result);
  }

  async #run(): Promise<void> {
    const subject = this.#subject();
    if (!subject) return;
    this.#measure.disabled = true;
    this.#said.textContent = 'Measuring…';
    try {
      const profile = await subject.alone(() => subject.model.profile());
      this.#shown = { title: subject.title, profile };
      this.#show(this.#shown);
    } catch (error) {
      this.#said.textContent = sentenceOf(error);
    } finally {
      this.#measure.disabled = false;
    }
  }

  #show(named: Named): void {
    const { title, profile } = named;
    this.#measure.textContent = 'Measure again';
    this.#said.textContent = sentence(title, profile);
    const parts: Node[] = [];
    if (this.#kept) parts.push(scrolling('Comparison', comparison(this.#kept, named)));
    parts.push(
      make('figure', {}, roofline(profile), make('figcaption', {}, `Each circle is a layer, its area the time. The line is what this device reaches: ${digits(profile.peak.gbps)} GB/s, ${digits(profile.peak.gflops)} GFLOP/s.`)),
      scrolling('By operator', typeTable(profile)),
      scrolling('Layers', layerTable(profile)),
    );
    this.#result.replaceChildren(...parts);
    this.#keep.hidden = false;
    this.#saves.hidden = false;
  }

  #keepShown(): void {
    this.#kept = this.#shown;
    if (this.#kept) this.#said.textContent = `Kept: ${this.#kept.title}. Change the model, size, build or threads, and measure again.`;
  }

  async #save({ format, file, type }: (typeof FORMATS)[number]): Promise<void> {
    const model = this.#subject()?.model;
    if (!model || !this.#shown) return;
    try {
      download(file, await model.exportProfile(this.#shown.profile, format), type);
    } catch (error) {
      this.#said.textContent = sentenceOf(error);
    }
  }
}

function sentence(title: string, profile: Profile): string {
  const { taken, disturbed, totalMs, initMs, warmupMs, clockResolutionMs } = profile;
  return `${title}: median ${digits(totalMs.median)} ms of ${taken - disturbed} runs (${digits(totalMs.min)} to ${digits(totalMs.max)}${disturbed > 0 ? `; ${disturbed} more were disturbed` : ''}), loading ${digits(initMs)} ms, first run ${digits(warmupMs.first)} ms. The clock steps by ${digits(clockResolutionMs)} ms.`;
}

/** Wide tables scroll by themselves, also by keyboard. */
function scrolling(label: string, table: HTMLTableElement): HTMLElement {
  return make('div', { class: 'scrolling', tabindex: '0', role: 'region', 'aria-label': label }, table);
}
