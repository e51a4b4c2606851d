/** The block lab: choose an experiment, run it, see its blocks side by side. */

import { type Experiment, type Lab, type LabRow, openLab } from 'octomask';
import { digits, make } from '../dom.ts';
import { sentenceOf } from '../problems.ts';
import { bars } from './bars.ts';

function element<E extends HTMLElement>(id: string): E {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as E;
}

const form = element<HTMLFormElement>('setup');
const experiment = element<HTMLSelectElement>('experiment');
const size = element<HTMLInputElement>('size');
const channels = element<HTMLInputElement>('channels');
const numbers = element<HTMLSelectElement>('form');
const threads = element<HTMLSelectElement>('threads');
const run = element<HTMLButtonElement>('run');
const claim = element('claim');
const failure = element('error');
const status = element('status');
const result = element('result');
const runtime = element('runtime');

let lab: Lab | undefined;

function chosen(): Experiment | undefined {
  return lab?.experiments.find((each) => each.name === experiment.value);
}

function say(text: string, state: 'loading' | 'ready' | 'running'): void {
  status.textContent = text;
  document.documentElement.dataset['state'] = state;
}

function fail(error: unknown): void {
  failure.textContent = sentenceOf(error);
  failure.hidden = false;
  say('', 'ready');
}

/** Another number of threads takes another worker. */
async function open(): Promise<void> {
  run.disabled = true;
  say('Loading…', 'loading');
  lab?.dispose();
  lab = undefined;
  try {
    lab = await openLab({ threads: threads.value === 'auto' ? 'auto' : Number(threads.value) });
  } catch (error) {
    return fail(error);
  }
  if (experiment.options.length === 0) {
    experiment.replaceChildren(...lab.experiments.map((each) => new Option(each.title, each.name)));
  }
  const { build, threads: count, reason } = lab.runtime;
  runtime.textContent = `Runs the ${build} build on ${count === 1 ? '1 thread' : `${count} threads`}. ${reason}`;
  run.disabled = false;
  choose();
  say('Ready.', 'ready');
}

function choose(): void {
  const about = chosen();
  if (!about) return;
  claim.textContent = `The article: ${about.claim}`;
  channels.step = String(about.multipleOf);
  numbers.disabled = about.ofForms;
}

async function measure(): Promise<void> {
  const about = chosen();
  if (!lab || !about) return;
  failure.hidden = true;
  run.disabled = true;
  say('Building and timing…', 'running');
  try {
    const rows = await lab.run(about.name, {
      size: size.valueAsNumber,
      channels: channels.valueAsNumber,
      form: about.ofForms ? 'float32' : (numbers.value as 'float32'),
    });
    result.replaceChildren(bars(about.title, rows), make('div', { class: 'scrolling', tabindex: '0', role: 'region', 'aria-label': 'Blocks' }, table(rows)));
    say(`Done: ${rows.length} blocks, in turn, medians.`, 'ready');
  } catch (error) {
    fail(error);
  } finally {
    run.disabled = false;
  }
}

function table(rows: LabRow[]): HTMLTableElement {
  const headings = ['Block', 'ms', 'Times the first', 'MMAC', 'Memory, KiB', 'Parameters', 'File, KiB', 'GFLOP/s', ''];
  const lines = rows.map((row) => {
    const cells = [
      row.ms.median.toFixed(3), `${digits(row.ratio)}×`, digits(row.macs / 1e6), digits(row.bytes / 1024),
      String(row.parameters), digits(row.file.byteLength / 1024), digits(row.gflops),
    ].map((text) => make('td', { class: 'number' }, text));
    // The link's address lives as long as the page: there are few blocks, and they are small.
    const url = URL.createObjectURL(new Blob([row.file], { type: 'application/octet-stream' }));
    const link = make('a', { href: url, download: `${row.slug}.tflite` }, '.tflite');
    return make('tr', {}, make('th', { scope: 'row' }, row.name), ...cells, make('td', {}, link));
  });
  return make(
    'table',
    {},
    make('caption', {}, 'Blocks, the first of which the others are compared with'),
    make('thead', {}, make('tr', {}, ...headings.map((text, i) => make('th', { scope: 'col', ...(i > 0 && { class: 'number' }) }, text)))),
    make('tbody', {}, ...lines),
  );
}

const most = crossOriginIsolated ? Math.min(navigator.hardwareConcurrency || 1, 8) : 1;
threads.replaceChildren(new Option('Automatic', 'auto'), ...Array.from({ length: most }, (_, i) => new Option(String(i + 1))));
threads.addEventListener('change', () => void open());
experiment.addEventListener('change', choose);
form.addEventListener('submit', (event) => {
  event.preventDefault();
  void measure();
});
void open();
