/** The page: what each control does. */

import type { BuildName, Size } from 'octomask';
import { AdvicePanel } from './advice.ts';
import { Compositor, type Effect } from './compose.ts';
import { Engine, type Settings } from './engine.ts';
import { FrameChart } from './frames.ts';
import { LayerTable } from './layers.ts';
import { type Drawn, FrameLoop } from './loop.ts';
import { Meter } from './meter.ts';
import { Pace, sizeText } from './pace.ts';
import { Problem, sentenceOf } from './problems.ts';
import { ProfilePanel, type Subject } from './profile/panel.ts';
import { type Facing, type Source, decodePicture, hasSecondCamera, openCamera, openPicture, openVideo } from './sources.ts';
import { SizeSweep } from './sweep.ts';
import { clearError, onFile, setOptions, setState, setStatus, showError, ui } from './ui.ts';

const engine = new Engine();
const compositor = new Compositor(ui.canvas);
const meter = new Meter();
const chart = new FrameChart(ui.frames);
const table = new LayerTable();
const loop = new FrameLoop(compositor, drawn, failed);
const pace = new Pace(engine, () => loop.source?.kind !== 'picture', paced);
const sweep = new SizeSweep(engine, loop, (size) => void resize(size));
let frames = 0;
let facing: Facing = 'user';
/** Only the last one of several sources that are being opened is shown. */
let opening = 0;

// Frames

function drawn(frame: Drawn): Promise<void> | undefined {
  const { mask, draw } = frame;
  const now = performance.now();
  const times = { ...mask.timings, draw, total: mask.timings.total + draw };
  meter.add(times, now);
  chart.add(times, now);
  if (loop.source?.kind === 'picture') meter.still();
  if (mask.layers) table.add(mask.layers, now);
  ui.canvas.dataset['frames'] = String(++frames);
  setState('running');
  return pace.frame(frame);
}

function failed(error: unknown): void {
  showError(sentenceOf(error));
  setState('error');
}

/** Shows a problem; what runs goes on. */
function report(error: unknown): void {
  showError(sentenceOf(error));
  settle();
}

/** The state when nothing is under way. */
function settle(): void {
  if (!engine.segmenter) setState('error');
  else setState(loop.source ? 'running' : 'ready');
  setStatus(statusText());
}

function statusText(): string {
  if (!engine.segmenter) return '';
  return loop.source ? `Showing ${loop.source.name}.` : 'Ready.';
}

// Sources

async function open(start: () => Promise<Source>, text: string): Promise<void> {
  const turn = ++opening;
  clearError();
  setStatus(text);
  try {
    const source = await start();
    if (turn !== opening) return source.stop();
    show(source);
  } catch (error) {
    if (turn === opening) report(error);
  }
}

function show(source: Source | undefined): void {
  meter.reset();
  chart.reset();
  table.reset();
  loop.show(source);
  source?.setRate?.(pace.fps);
  if (source?.kind === 'picture') sweep.stop().then(() => pace.rest()).catch(report);
  else pace.follow();
  const camera = source?.kind === 'camera';
  ui.camera.textContent = camera ? 'Stop camera' : 'Use camera';
  ui.camera.setAttribute('aria-pressed', String(camera));
  ui.switchCamera.hidden = true;
  if (camera) void hasSecondCamera().then((second) => { ui.switchCamera.hidden = !second || loop.source?.kind !== 'camera'; });
  ui.pause.hidden = source?.kind !== 'video';
  setPaused(false);
  ui.canvas.toggleAttribute('data-mirrored', source?.mirrored ?? false);
  ui.canvas.setAttribute('aria-label', source ? `Picture from ${source.name} with its mask` : 'No picture yet');
  ui.empty.hidden = source !== undefined;
  if (source) fitFrame(source);
  else ui.canvas.getContext('2d')?.clearRect(0, 0, ui.canvas.width, ui.canvas.height);
  settle();
}

/** The area takes the shape of the picture, within reason. */
function fitFrame(source: Source): void {
  const { width, height } = source.size();
  ui.frame.style.aspectRatio = String(Math.min(2, Math.max(3 / 4, width / height)));
}

function useCamera(): Promise<void> {
  return open(() => openCamera(facing, cameraEnded), 'Waiting for the camera. Your browser may ask for permission.');
}

/** The system takes the camera away for a call, or when a phone sleeps: ask again when someone looks. */
function cameraEnded(): void {
  if (document.hidden) document.addEventListener('visibilitychange', () => { if (loop.source?.kind === 'camera') void useCamera(); }, { once: true });
  else void useCamera();
}

function setPaused(paused: boolean): void {
  ui.pause.textContent = paused ? 'Play' : 'Pause';
  ui.pause.setAttribute('aria-pressed', String(paused));
}

/** A file by its kind: chosen, dropped or pasted. */
function openFile(file: File): void {
  if (file.type.startsWith('image/')) void open(() => openPicture(file), `Opening ${file.name}…`);
  else if (file.type.startsWith('video/')) void open(() => openVideo(file), `Opening ${file.name}…`);
  else if (/\.tflite$/i.test(file.name)) openModelFile(file);
  else report(new Problem(`${file.name} is neither a picture, a video nor a .tflite model.`));
}

// Models and settings

async function load(settings: Settings): Promise<void> {
  clearError();
  if (!loop.source) setState('loading');
  setStatus('Loading the model…');
  await sweep.stop();
  try {
    const other = settings.model !== engine.settings.model;
    const segmenter = await engine.load(settings);
    if (!segmenter) return;
    loop.segmenter = segmenter;
    if (other) sweep.clear();
    pace.follow();
    await showModel();
  } catch (error) {
    if (settings.model !== engine.settings.model) engine.forgetFile(settings.model);
    showError(sentenceOf(error));
  }
  showSettings();
  settle();
}

/** What belongs to a model at its size: lists, table, the line that says what runs. */
async function showModel(): Promise<void> {
  const segmenter = engine.segmenter;
  if (!segmenter) return;
  const layers = await segmenter.model.layers();
  if (segmenter !== engine.segmenter) return;
  table.setLayers(layers);
  meter.reset();
  chart.reset();
  sweep.mark(engine.size);
  showSettings();
}

function showSettings(): void {
  const { model, threads, build } = engine.settings;
  const packaged = [
    { value: 'selfie', text: 'Selfie 256 × 256' },
    { value: 'selfie-landscape', text: 'Selfie landscape 256 × 144' },
  ];
  setOptions(ui.model, [...packaged, ...engine.fileNames.map((name) => ({ value: name, text: name }))], model);
  ui.threads.value = String(threads);
  ui.build.value = build;
  const segmenter = engine.segmenter;
  const size = engine.size;
  ui.size.disabled = !size;
  if (!segmenter || !size) return;
  const sizes = segmenter.model.sizes();
  const all = sizes.some((each) => sizeValue(each) === sizeValue(size)) ? sizes : [...sizes, size];
  setOptions(ui.size, all.map((each) => ({ value: sizeValue(each), text: sizeText(each) })), sizeValue(size));
  const info = segmenter.model.runtime;
  const count = info.threads === 1 ? '1 thread' : `${info.threads} threads`;
  ui.runtime.textContent = `Runs the ${info.build} build on ${count}. ${info.reason}`;
}

/** Height before width, as the package has it; the page shows width before height. */
function sizeValue([height, width]: Size): string {
  return `${height}x${width}`;
}

/** A size that was chosen by hand. */
async function resize(size: Size): Promise<void> {
  clearError();
  await sweep.stop();
  try {
    await engine.segmenter?.model.resize(...size);
    pace.choose(size);
    await showModel();
    loop.refresh();
  } catch (error) {
    report(error);
    showSettings();
  }
}

/** A size that holds the frame rate. */
async function paced(size: Size): Promise<void> {
  await engine.segmenter?.model.resize(...size);
  await showModel();
}

function openModelFile(file: File): void {
  engine.addFile(file);
  void load({ ...engine.settings, model: file.name });
}

function checkedEffect(): Effect {
  return (ui.effect.querySelector<HTMLInputElement>(':checked')?.value ?? 'tint') as Effect;
}

function setEffect(): void {
  loop.effect = checkedEffect();
  ui.backgroundChoice.hidden = loop.effect !== 'replace';
  loop.refresh();
}

// Controls

ui.camera.addEventListener('click', () => {
  opening++;
  if (loop.source?.kind === 'camera') show(undefined);
  else void useCamera();
});
ui.switchCamera.addEventListener('click', () => {
  facing = facing === 'user' ? 'environment' : 'user';
  // Phones give one camera at a time.
  show(undefined);
  void useCamera();
});
ui.pause.addEventListener('click', () => {
  const video = loop.source?.element;
  if (!(video instanceof HTMLVideoElement)) return;
  setPaused(!video.paused);
  if (video.paused) video.play().catch(report);
  else video.pause();
});
onFile(ui.picture, (file) => void open(() => openPicture(file), `Opening ${file.name}…`));
onFile(ui.video, (file) => void open(() => openVideo(file), `Opening ${file.name}…`));
onFile(ui.modelFile, openModelFile);
onFile(ui.background, (file) => {
  clearError();
  decodePicture(file).then((image) => {
    compositor.background = image;
    loop.refresh();
  }, report);
});
ui.effect.addEventListener('change', setEffect);
ui.smoothing.addEventListener('change', () => {
  loop.smoothing = ui.smoothing.checked;
});
ui.model.addEventListener('change', () => void load({ ...engine.settings, model: ui.model.value }));
ui.size.addEventListener('change', () => {
  const [height = 0, width = 0] = ui.size.value.split('x').map(Number);
  void resize([height, width]);
});
ui.hold.addEventListener('change', () => {
  const fps = Number(ui.hold.value);
  loop.source?.setRate?.(fps);
  sweep.stop().then(() => pace.hold(fps)).catch(report);
});
ui.sweep.addEventListener('click', () => void sweep.toggle().catch(report));
ui.threads.addEventListener('change', () => {
  const threads = ui.threads.value === 'auto' ? 'auto' : Number(ui.threads.value);
  void load({ ...engine.settings, threads });
});
ui.build.addEventListener('change', () => void load({ ...engine.settings, build: ui.build.value as BuildName | 'auto' }));

document.addEventListener('dragover', (event) => {
  event.preventDefault();
  ui.frame.classList.add('dropping');
});
document.addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) ui.frame.classList.remove('dropping');
});
document.addEventListener('drop', (event) => {
  event.preventDefault();
  ui.frame.classList.remove('dropping');
  const file = event.dataTransfer?.files[0];
  if (file) openFile(file);
});
document.addEventListener('paste', (event) => {
  const file = event.clipboardData?.files[0];
  if (file) openFile(file);
});

document.addEventListener('visibilitychange', () => {
  if (!document.hidden) loop.refresh();
});
window.addEventListener('pagehide', () => show(undefined));

// What the model costs, and why

/** What runs at the moment, and what to call it. */
function subject(): Subject | undefined {
  const { segmenter, size } = engine;
  if (!segmenter || !size) return undefined;
  const { build, threads } = segmenter.model.runtime;
  const name = ui.model.selectedOptions[0]?.textContent?.replace(/ \d+ × \d+$/, '') ?? engine.settings.model;
  return {
    model: segmenter.model,
    title: `${name} ${size[1]} × ${size[0]}, ${build}, ${threads === 1 ? '1 thread' : `${threads} threads`}`,
    alone: (task) => loop.alone(task),
  };
}

new ProfilePanel(ui.profile, subject);
new AdvicePanel(ui.advice, subject);

// Start

function threadOptions(): { value: string; text: string }[] {
  const most = crossOriginIsolated ? Math.min(navigator.hardwareConcurrency || 1, 8) : 1;
  const counts = Array.from({ length: most }, (_, i) => ({ value: String(i + 1), text: String(i + 1) }));
  return [{ value: 'auto', text: 'Automatic' }, ...counts];
}

setOptions(ui.threads, threadOptions(), 'auto');
setEffect();
void load(engine.settings);
