/** The worker: one build of the runtime, one model, one request at a time. */

import { closeFrame } from './capture.ts';
import { OctomaskError } from './errors.ts';
import type { ModelDescription, Requests } from './messages.ts';
import { startModule } from './modules.ts';
import { copyPixels } from './pixels.ts';
import { type Port, Transfer, serve } from './rpc.ts';
import { type TimePair, toolsModule } from './tools.ts';
import { showTracks } from './tracks.ts';
import type { LayerInfo, Size, TensorInfo } from './types.ts';
import type { Glue, WasmModel } from './wasm.ts';

/** Of the profile that advice is drawn from; of a large network one run is enough. */
const [ADVICE_RUNS, ADVICE_WARMUP] = [30, 10];
const ADVICE_PROFILE_MS = 5000;

let glue: Glue | undefined;
let loaded: WasmModel | undefined;
/** What the model was loaded from: advice rewrites it. */
let file: Uint8Array | undefined;
/** Of the model at its size, once they were asked for. */
let layersOfModel: LayerInfo[] | undefined;

serve<Requests>(self as unknown as Port, {
  async start(files) {
    const { module, wasmBytes } = await startModule<Glue>(files);
    glue = module;
    return { wasmBytes };
  },

  async startPool({ workers }) {
    // Safari 16.0 to 16.3 have threads, but no workers inside workers.
    if (typeof Worker === 'undefined') throw new OctomaskError('worker-failed', 'no workers inside workers in this browser');
    await runtime().initThreadPool?.(workers);
  },

  load({ bytes, threads, inputSize }) {
    loaded = runtime().WasmModel.load(bytes, threads, inputSize?.[0], inputSize?.[1]);
    file = bytes;
    return describe();
  },

  resize({ height, width }) {
    model().resize(height, width);
    return describe();
  },

  layers: () => model().layers(),

  run({ inputs }) {
    inputs.forEach((data, index) => model().setInput(index, data));
    model().run();
    const outputs = model().outputs().map((_, index) => model().output(index));
    return new Transfer({ outputs, memoryBytes: memoryBytes() }, outputs.map((output) => output.buffer as ArrayBuffer));
  },

  time({ runs, warmup }) {
    for (let i = 0; i < warmup; i++) model().run();
    const start = performance.now();
    for (let i = 0; i < runs; i++) model().run();
    return (performance.now() - start) / runs;
  },

  profile: ({ runs, warmup }) => ({ profile: model().profile(runs, warmup), memoryBytes: memoryBytes() }),

  async exportProfile({ tools, profile, format }) {
    if (format === 'json') return `${JSON.stringify(profile, undefined, 2)}\n`;
    return (await toolsModule(tools)).exportProfile(profile, format);
  },

  async advise({ tools }, progress) {
    const { advise } = await toolsModule(tools);
    const bytes = fileOfModel();
    const size = sizeOf(model().inputs());
    const start = performance.now();
    model().run();
    const affordable = Math.floor(ADVICE_PROFILE_MS / (performance.now() - start));
    const profile = model().profile(Math.min(ADVICE_RUNS, affordable), Math.min(ADVICE_WARMUP, affordable));
    const time: TimePair = (before, after, budgetMs, leastMs) => model().timePair(before, after, budgetMs, leastMs);
    return advise(bytes, size?.[0], size?.[1], profile, time, progress);
  },

  experiments: async ({ tools }) => (await toolsModule(tools)).experiments(),

  async experiment({ tools, name, setup, threads, rounds, atMostMs }) {
    const blocks = (await toolsModule(tools)).buildExperiment(name, setup);
    const measured = runtime().timeFiles(blocks.map((block) => block.file), threads, rounds, atMostMs);
    const rows = blocks.map((block, i) => ({ ...block, ...measured[i]! }));
    return new Transfer(rows, rows.map((row) => row.file.buffer));
  },

  async segment({ frame, smoothing, layerTimes, tracks }) {
    const start = performance.now();
    try {
      const pixels = await copyPixels(frame, frameBuffer);
      const captured = performance.now();
      model().loadFrame(pixels.width, pixels.height, pixels.layout, pixels.matrix, pixels.fullRange);
      const resized = performance.now();
      model().timeSteps(layerTimes || tracks);
      model().run();
      const inferred = performance.now();
      const mask = model().mask(smoothing);
      const { address: at, width, height } = mask;
      mask.free();
      // A copy of its own: the next frame overwrites the one in the runtime's memory.
      const data = new Uint8Array(width * height);
      data.set(new Uint8Array(runtime().wasmMemory().buffer, at, width * height));
      const timings = {
        capture: captured - start,
        resize: resized - captured,
        infer: inferred - resized,
        mask: performance.now() - inferred,
      };
      if (tracks) {
        const ends = { capture: captured, resize: resized, infer: inferred, mask: performance.now() };
        let from = start;
        const stages = Object.entries(ends).map(([name, end]) => ({ name, start: from, end: (from = end) }));
        showTracks(stages, (layersOfModel ??= model().layers()), model().stepMs(), resized);
      }
      const layers = layerTimes ? model().stepMs() : undefined;
      const transfer: Transferable[] = layers ? [data.buffer, layers.buffer] : [data.buffer];
      return new Transfer({ data, width, height, timings, memoryBytes: memoryBytes(), ...(layers && { layers }) }, transfer);
    } finally {
      closeFrame(frame);
    }
  },
});

function runtime(): Glue {
  if (!glue) throw new OctomaskError('worker-failed', 'the worker was asked before it was started');
  return glue;
}

/** Height and width, if the model takes one image. */
function sizeOf([input, ...more]: TensorInfo[]): Size | undefined {
  const [, height, width, channels] = input?.shape ?? [];
  return more.length > 0 || height === undefined || width === undefined || channels === undefined ? undefined : [height, width];
}

function fileOfModel(): Uint8Array {
  if (!file) throw new OctomaskError('bad-input', 'No model is loaded.');
  return file;
}

function model(): WasmModel {
  if (!loaded) throw new OctomaskError('bad-input', 'No model is loaded.');
  return loaded;
}

function frameBuffer(bytes: number): Uint8Array<ArrayBufferLike> {
  const address = model().frameBuffer(bytes);
  return new Uint8Array(runtime().wasmMemory().buffer, address, bytes);
}

function describe(): ModelDescription {
  layersOfModel = undefined;
  return {
    inputs: model().inputs(),
    outputs: model().outputs(),
    ownSize: model().ownSize(),
    sizes: model().sizes(),
    memoryBytes: memoryBytes(),
  };
}

function memoryBytes(): number {
  return runtime().wasmMemory().buffer.byteLength;
}
