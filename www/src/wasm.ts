/** What `src/web/engine.rs` exports, as wasm-bindgen writes it. */

import type { MeasuredFile } from './lab.ts';
import type { LayerInfo, Profile, Size, TensorInfo, TypedArray } from './types.ts';

/** The module of one build. */
export interface Glue {
  default(init: { module_or_path: WebAssembly.Module }): Promise<unknown>;
  /** In builds with threads only. */
  initThreadPool?(workers: number): Promise<unknown>;
  wasmMemory(): WebAssembly.Memory;
  /** Runs model files in turn on random inputs, `rounds` times or until the time is up. */
  timeFiles(files: Uint8Array[], threads: number, rounds: number, atMostMs: number): MeasuredFile[];
  WasmModel: { load(bytes: Uint8Array, threads: number, height: number | undefined, width: number | undefined): WasmModel };
}

/** A loaded model. Addresses are bytes into the memory; a call may grow it, which detaches views. */
export interface WasmModel {
  inputs(): TensorInfo[];
  outputs(): TensorInfo[];
  /** `undefined` for models without one image input. */
  ownSize(): Size | undefined;
  sizes(): Size[];
  layers(): LayerInfo[];
  resize(height: number, width: number): void;
  setInput(index: number, data: TypedArray): void;
  run(): void;
  output(index: number): TypedArray;
  profile(runs: number, warmup: number): Profile;
  /**
   * Runs two model files in turn on this model's threads until it is known how they differ, or the time is up, or there
   * is no gain of `leastMs`.
   */
  timePair(before: Uint8Array, after: Uint8Array, budgetMs: number, leastMs: number): Difference;
  /** Whether each run leaves one time per step. */
  timeSteps(on: boolean): void;
  /** Times of the last run in ms; empty when steps are not timed. */
  stepMs(): Float64Array<ArrayBuffer>;
  /** Address of room for `bytes` bytes of pixels. */
  frameBuffer(bytes: number): number;
  /** Takes the pixels in the frame buffer as the model's input. */
  loadFrame(width: number, height: number, layout: Pixels['layout'], matrix: Pixels['matrix'], fullRange: boolean): void;
  /** Makes the mask of the last run; smoothing is 0 (off) to 1. */
  mask(smoothing: number): MaskPlace;
}

/** What two models that ran in turn took, in ms. */
export interface Difference {
  beforeMs: number;
  /** How much faster the second one was; below 0 when it was slower. */
  gainMs: number;
  /** Standard error of `gainMs`. */
  errorMs: number;
}

/** What the bytes in the frame buffer are. */
export interface Pixels {
  width: number;
  height: number;
  /** RGBA and BGRA: four bytes a pixel. I420 and NV12: brightness, then colour at half the sides, as WebCodecs has them. */
  layout: 'RGBA' | 'BGRA' | 'I420' | 'NV12';
  /** What brightness and colour were made with; of no matter for the first two, as is the range. */
  matrix: 'bt601' | 'bt709';
  /** Whether bytes go from 0 to 255. */
  fullRange: boolean;
}

/** Where a mask lies. */
export interface MaskPlace {
  readonly address: number;
  readonly width: number;
  readonly height: number;
  free(): void;
}
