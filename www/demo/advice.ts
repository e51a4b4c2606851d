/** The section that says what to change in the model, and what that gains on this device. */

import type { Advice } from 'octomask';
import { digits, make } from './dom.ts';
import { sentenceOf } from './problems.ts';
import type { Subject } from './profile/panel.ts';

/** More layers than these are only counted. */
const NAMED = 12;

export class AdvicePanel {
  readonly #subject: () => Subject | undefined;
  readonly #ask = make('button', { type: 'button', class: 'primary' }, 'Find out');
  readonly #progress = make('progress', { max: '1', value: '0', 'aria-label': 'Part of the advice that is done', hidden: '' });
  readonly #said = make('p', { role: 'status' });
  readonly #list = make('ol', { class: 'advice' });

  constructor(section: HTMLElement, subject: () => Subject | undefined) {
    this.#subject = subject;
    this.#ask.addEventListener('click', () => void this.#run());
    section.append(make('div', { class: 'buttons' }, this.#ask, this.#progress), this.#said, this.#list);
  }

  async #run(): Promise<void> {
    const subject = this.#subject();
    if (!subject) return;
    this.#ask.disabled = true;
    this.#list.replaceChildren();
    this.#progress.value = 0;
    this.#progress.hidden = false;
    this.#said.textContent = 'Building and timing what could be changed. This takes up to a minute; the picture stands still meanwhile.';
    try {
      const advice = await subject.alone(() => subject.model.advise({ progress: (done) => { this.#progress.value = done; } }));
      this.#said.textContent = advice.length > 0
        ? `${subject.title}: what gains on this device, the most first. Each was built and timed against the model as it is; together they gain less than their sum.`
        : `${subject.title}: nothing to gain. Everything that could be changed was timed, and is no faster on this device.`;
      this.#list.replaceChildren(...advice.map(item));
    } catch (error) {
      this.#said.textContent = sentenceOf(error);
    } finally {
      this.#ask.disabled = false;
      this.#progress.hidden = true;
    }
  }
}

function item(advice: Advice): HTMLLIElement {
  const { title, why, instead, layers } = advice;
  const parts = [
    make('p', { class: 'head' }, make('strong', {}, title), make('span', { class: 'gain' }, gain(advice))),
    make('p', {}, why),
    make('p', {}, make('b', {}, 'Instead: '), instead),
  ];
  if (layers.length > 0) {
    const named = layers.slice(0, NAMED).map((layer) => `${layer.index} ${layer.op}`).join(', ');
    const more = layers.length > NAMED ? ` and ${layers.length - NAMED} more` : '';
    parts.push(make('p', { class: 'soft' }, `Layers ${named}${more}`));
  }
  return make('li', { 'data-rule': advice.rule }, ...parts);
}

function gain({ gainMs, gainShare, beforeMs, afterMs, gainBytes }: Advice): string {
  const said: string[] = [];
  if (gainMs > 0) said.push(`${digits(beforeMs)} → ${digits(afterMs)} ms (−${(100 * gainShare).toFixed(0)} %)`);
  if (gainBytes) said.push(`−${gainBytes >= 1 << 20 ? `${digits(gainBytes / (1 << 20))} MiB` : `${digits(gainBytes / 1024)} KiB`}`);
  return said.join(', ');
}
