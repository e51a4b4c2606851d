/** The worker: one build of the runtime, one model, one request at a time. */

import { closeFrame } from './capture.ts';
import { OctomaskError, messageOf } from './errors.ts';
import type { ModelDescription, Requests } from './messages.ts';
import { copyPixels } from './pixels.ts';
import { type Port, Transfer, serve } from './rpc.ts';
import type { Glue, WasmModel } from './wasm.ts';

let glue: Glue | undefined;
let loaded: WasmModel | undefined;

serve<Requests>(self as unknown as Port, {
  async start({ glue: glueUrl, wasm }) {
    const [bytes, module] = await Promise.all([fetchWasm(wasm), importGlue(glueUrl)]);
    await module.default({ module_or_path: await WebAssembly.compile(bytes) });
    glue = module;
    return { wasmBytes: bytes.byteLength };
  },

  async startPool({ workers }) {
    // Safari 16.0 to 16.3 have threads, but no workers inside workers.
    if (typeof Worker === 'undefined') throw new OctomaskError('worker-failed', 'no workers inside workers in this browser');
    await runtime().initThreadPool?.(workers);
  },

  load({ bytes, threads, inputSize }) {
    loaded = runtime().WasmModel.load(bytes, threads, inputSize?.[0], inputSize?.[1]);
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

  profile: ({ runs, warmup }) => ({ profile: model().profile(runs, warmup), memoryBytes: memoryBytes() }),

  async segment({ frame, smoothing, layerTimes }) {
    const start = performance.now();
    try {
      const pixels = await copyPixels(frame, frameBuffer);
      const captured = performance.now();
      model().loadFrame(pixels.width, pixels.height, pixels.layout, pixels.matrix, pixels.fullRange);
      const resized = performance.now();
      model().timeSteps(layerTimes);
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

function model(): WasmModel {
  if (!loaded) throw new OctomaskError('bad-input', 'No model is loaded.');
  return loaded;
}

function frameBuffer(bytes: number): Uint8Array<ArrayBufferLike> {
  const address = model().frameBuffer(bytes);
  return new Uint8Array(runtime().wasmMemory().buffer, address, bytes);
}

function describe(): ModelDescription {
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

async function importGlue(url: string): Promise<Glue> {
  try {
    return await import(/* @vite-ignore */ /* webpackIgnore: true */ url);
  } catch (error) {
    throw new OctomaskError('fetch-failed', `${url} could not be loaded as a module (${messageOf(error)}); check that the package's wasm folder is served.`);
  }
}

async function fetchWasm(url: string): Promise<ArrayBuffer> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: 'same-origin' });
  } catch (error) {
    throw new OctomaskError('fetch-failed', `${url} could not be fetched (${messageOf(error)}).`);
  }
  if (!response.ok) {
    throw new OctomaskError('fetch-failed', `${url} could not be fetched: the server answered ${response.status}; check that the package's wasm folder is served.`);
  }
  const bytes = await response.arrayBuffer();
  // Servers that answer every path with their start page are the usual cause.
  if (new TextDecoder('latin1').decode(bytes.slice(0, 4)) !== '\0asm') {
    throw new OctomaskError('fetch-failed', `${url} is no WebAssembly file (the server sent ${response.headers.get('content-type') ?? 'something else'}); check that the package's wasm folder is served.`);
  }
  return bytes;
}
