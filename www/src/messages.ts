/** Everything that goes between the page and the worker. */

import type { Experiment, LabRow, LabSetup } from './lab.ts';
import type { Advice, LayerInfo, Profile, ProfileFormat, Size, TensorInfo, TypedArray } from './types.ts';

/** A frame on its way to the worker: what is transferred is closed there. */
export type WireFrame = VideoFrame | ImageBitmap | RawPixels;

/** Row-major RGBA. */
export interface RawPixels {
  data: ImageData['data'];
  width: number;
  height: number;
}

/** What the worker says of a model after loading or resizing it. */
export interface ModelDescription {
  inputs: TensorInfo[];
  outputs: TensorInfo[];
  /** The size that the file was made for; `undefined` for models without one image input. */
  ownSize: Size | undefined;
  /** Input sizes the model allows, smallest first. */
  sizes: Size[];
  memoryBytes: number;
}

/** What the worker answers to a frame. Times are in ms. */
export interface SegmentResult {
  /** Row-major, 0..255. */
  data: Uint8Array;
  width: number;
  height: number;
  timings: { capture: number; resize: number; infer: number; mask: number };
  /** One time per step of the plan, when asked for. */
  layers?: Float64Array;
  memoryBytes: number;
}

/** Addresses of a WebAssembly module, as wasm-bindgen makes it: absolute URLs. */
export interface ModuleFiles {
  glue: string;
  wasm: string;
}

/** The requests that the worker answers. URLs are absolute. */
export interface Requests {
  /** Fetches and starts one build. */
  start: { params: ModuleFiles; result: { wasmBytes: number } };
  /** Starts the pool: `workers` threads beside the worker itself. */
  startPool: { params: { workers: number }; result: undefined };
  load: {
    params: { bytes: Uint8Array; threads: number; inputSize: Size | undefined };
    result: ModelDescription;
  };
  resize: { params: { height: number; width: number }; result: ModelDescription };
  layers: { params: undefined; result: LayerInfo[] };
  run: { params: { inputs: TypedArray[] }; result: { outputs: TypedArray[]; memoryBytes: number } };
  /** The mean of whole runs, in milliseconds. */
  time: { params: { runs: number; warmup: number }; result: number };
  profile: { params: { runs: number; warmup: number }; result: { profile: Profile; memoryBytes: number } };
  segment: { params: { frame: WireFrame; smoothing: number; layerTimes: boolean; tracks: boolean }; result: SegmentResult };
  exportProfile: { params: { tools: ModuleFiles; profile: Profile; format: ProfileFormat }; result: string };
  advise: { params: { tools: ModuleFiles }; result: Advice[] };
  experiments: { params: { tools: ModuleFiles }; result: Experiment[] };
  experiment: {
    params: { tools: ModuleFiles; name: string; setup: LabSetup; threads: number; rounds: number; atMostMs: number };
    result: LabRow[];
  };
}
