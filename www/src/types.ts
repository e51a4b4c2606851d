/** What the runtime says of itself and of a model: descriptions, never on the way of a frame. */

/** Elements of a tensor in the model's own type; float16 comes as the bits, bool as 0 or 1. */
export type TypedArray =
  | Float32Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | BigInt64Array;

/** Element types; `bool` is one byte each. */
export type DType = 'float32' | 'float16' | 'int8' | 'uint8' | 'int16' | 'int32' | 'int64' | 'bool';

/** `real = scale * (stored - zeroPoint)`, for the whole tensor or for each slice along `axis`. */
export interface Quantization {
  scale: number[];
  zeroPoint: number[];
  axis: number;
}

/** An input or output of a model. */
export interface TensorInfo {
  name: string;
  /** Extents, outermost first: `[n, h, w, c]` for images. */
  shape: number[];
  dtype: DType;
  quantization?: Quantization;
}

/** Height and width of a model's input, in pixels. */
export type Size = [height: number, width: number];

/** The four builds of the runtime. */
export type BuildName = 'simd' | 'simd-threads' | 'relaxed' | 'relaxed-threads';

/** What runs a model, and why. */
export interface RuntimeInfo {
  build: BuildName;
  threads: number;
  /** Why this build and this number of threads, as a sentence. */
  reason: string;
  /** Size of the .wasm file. */
  wasmBytes: number;
  /** Size of the WebAssembly memory after the last call. */
  memoryBytes: number;
}

/** One step of a model's plan: what is known of it without running. */
export interface LayerInfo {
  /** Index of the operator in the model file that names the step, as Netron shows it. */
  index: number;
  /** TFLite's name of that operator. */
  op: string;
  /** The file's name of the tensor it makes. */
  name: string;
  /** Indices of the file's other operators that this step does the work of. */
  fused: number[];
  /** Shapes of the activations it reads. */
  inputShapes: number[][];
  outputShape: number[];
  /** Which kernel runs it. */
  kernel: string;
  /** Multiply-adds. */
  macs: number;
  /** Bytes of activations and constants, each counted once. */
  bytes: number;
}

/** How a series of times is spread, in milliseconds. */
export interface Stats {
  first: number;
  last: number;
  min: number;
  median: number;
  mean: number;
  p95: number;
  max: number;
  /** Standard deviation. */
  std: number;
}

/** Times of one step. */
export interface LayerTime extends LayerInfo {
  /** Over the runs that count; with the method `repeated`, its share of each of them. */
  ms: Stats;
  /** How often the step ran in each of the times that were measured of it. */
  repetitions: number;
  /** Share of the sum of all layers' mean times, 0..1. */
  share: number;
  /** 10^9 floating point operations (two a multiply-add) per second. */
  gflops: number;
  /** 10^9 bytes per second. */
  gbps: number;
  /** Arithmetic intensity: floating point operations per byte. */
  intensity: number;
  /** Share of what the device could do at best, by arithmetic or by memory: 1 is the limit, which kernels that
   *  multiply less often than the operator says (`winograd`) may pass. */
  limitShare: number;
  /** Which of the two limits that is, the nearer one. */
  bound: 'compute' | 'memory';
}

/** Times of all steps of one operator. */
export interface TypeTime {
  op: string;
  count: number;
  /** Sum of their mean milliseconds. */
  ms: number;
  share: number;
}

/** What one thread did of one step, in milliseconds from the beginning of the run. */
export interface ThreadPart {
  /** 0 is the worker that was asked; the others help it. */
  thread: number;
  /** Index into the profile's layers. */
  step: number;
  startMs: number;
  /** When it was through; waiting for other threads is not part of it. */
  endMs: number;
}

/** Where the time of a model goes, on this device and in this build. */
export interface Profile {
  /** Runs that were asked for; with the method `repeated`, times of runs. At least so many count. */
  runs: number;
  /** How many were taken. */
  taken: number;
  /**
   * How many of those do not count: they were disturbed, by other programs or by a processor that became slower, and
   * took over 10 % longer than the fastest ones.
   */
  disturbed: number;
  warmup: number;
  /** Threads that ran the model. */
  threads: number;
  /** The smallest step of the browser's clock: 0.005 on an isolated page, up to 1 elsewhere. */
  clockResolutionMs: number;
  /**
   * `single`: the clock was read once before and after each step of each run. `repeated`: it is too coarse for that, so
   * each step was repeated in its place, and what stretches of steps take in whole runs was shared out by that.
   */
  method: 'single' | 'repeated';
  /** Runs in each of the times of `totalMs`, of which they are the mean. */
  repetitions: number;
  /** From the file's bytes to a model that can run. */
  initMs: number;
  /** By how many bytes loading the model made the WebAssembly memory grow. */
  loadBytes?: number;
  /** Single runs, whatever the method. */
  warmupMs: Stats;
  totalMs: Stats;
  /** In running order. Their mean times add up to that of the runs. */
  layers: LayerTime[];
  /** The slowest first. */
  byType: TypeTime[];
  /** The device's limits with this build, on all threads of the model. */
  peak: { gflops: number; gbps: number };
  /**
   * What each thread did in one of the runs, an ordinary one, thread by thread. On one thread with the method
   * `repeated` it is drawn from the layers' times.
   */
  timeline: ThreadPart[];
  arenaBytes: number;
  weightBytes: number;
}

/** Formats that a profile is exported in. */
export type ProfileFormat = 'text' | 'csv' | 'json' | 'trace';

/** A layer of the model file. */
export interface LayerRef {
  /** Index of the operator, as Netron shows it. */
  index: number;
  /** TFLite's name of it. */
  op: string;
  /** The file's name of the tensor it makes. */
  name: string;
}

/** One thing to change in a model, and what that gains on this device. */
export interface Advice {
  /** Name of the rule. */
  rule: string;
  /** What is to be done, in a few words. */
  title: string;
  /** Why that is faster, and what it may cost. */
  why: string;
  /** What to write instead, in Keras's and TensorFlow's words. */
  instead: string;
  /** Where; empty where it is the model as a whole. */
  layers: LayerRef[];
  /** The whole model as it is, and with this change alone, timed in turn, in ms. */
  beforeMs: number;
  afterMs: number;
  /** The difference; 0 for advice on size. */
  gainMs: number;
  /** Its share of `beforeMs`, 0..1. */
  gainShare: number;
  /** Bytes of weights that the file gets smaller by, if it does. */
  gainBytes?: number;
}
