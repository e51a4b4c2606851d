/** The elements of the page, and what the page says. */

function element<E extends HTMLElement>(id: string): E {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as E;
}

export const ui = {
  frame: element('frame'),
  canvas: element<HTMLCanvasElement>('canvas'),
  empty: element('empty'),
  error: element('error'),
  status: element('status'),
  camera: element<HTMLButtonElement>('camera'),
  switchCamera: element<HTMLButtonElement>('switch-camera'),
  pause: element<HTMLButtonElement>('pause'),
  picture: element<HTMLInputElement>('picture-input'),
  video: element<HTMLInputElement>('video-input'),
  effect: element('effect'),
  backgroundChoice: element('background-choice'),
  background: element<HTMLInputElement>('background-input'),
  smoothing: element<HTMLInputElement>('smoothing'),
  fps: element('fps'),
  model: element<HTMLSelectElement>('model'),
  modelFile: element<HTMLInputElement>('model-input'),
  size: element<HTMLSelectElement>('size'),
  hold: element<HTMLSelectElement>('hold'),
  pace: element('pace'),
  threads: element<HTMLSelectElement>('threads'),
  build: element<HTMLSelectElement>('build'),
  runtime: element('runtime'),
  frames: element('frames'),
  profile: element('profile'),
  advice: element('advice'),
  layers: element<HTMLTableElement>('layers'),
  layersTotal: element('layers-total'),
  sweep: element<HTMLButtonElement>('sweep'),
  sweepProgress: element<HTMLProgressElement>('sweep-progress'),
  sweepText: element('sweep-text'),
  sweepResult: element('sweep-result'),
  sweepPlots: element('sweep-plots'),
  sweepTable: element<HTMLTableElement>('sweep-table'),
  sweepReference: element('sweep-reference'),
};

export type State = 'idle' | 'loading' | 'ready' | 'running' | 'error';

export function setState(state: State): void {
  document.documentElement.dataset['state'] = state;
}

/** Announced politely: only what changes rarely. */
export function setStatus(text: string): void {
  if (ui.status.textContent !== text) ui.status.textContent = text;
}

export function showError(text: string): void {
  ui.error.textContent = text;
  ui.error.hidden = false;
}

export function clearError(): void {
  ui.error.hidden = true;
  ui.error.textContent = '';
}

/** Calls `use` with each file that is chosen, also when it is the same one again. */
export function onFile(input: HTMLInputElement, use: (file: File) => void): void {
  input.addEventListener('change', () => {
    const file = input.files?.[0];
    input.value = '';
    if (file) use(file);
  });
}

/** Replaces the options of a list. */
export function setOptions(select: HTMLSelectElement, options: { value: string; text: string }[], chosen: string): void {
  select.replaceChildren(...options.map(({ value, text }) => new Option(text, value, false, value === chosen)));
}
