/** A model in a worker of its own. */

import { transferOf } from './capture.ts';
import { OctomaskError, messageOf } from './errors.ts';
import type { ModelDescription, SegmentResult, WireFrame } from './messages.ts';
import { Runtime, type RuntimeOptions } from './runtime.ts';
import type { Advice, LayerInfo, Profile, ProfileFormat, RuntimeInfo, Size, TensorInfo, TypedArray } from './types.ts';

/** What a model can be loaded from: strings and URLs are fetched. */
export type ModelSource = string | URL | ArrayBuffer | Uint8Array | Blob;

/** How a model is to be loaded. */
export interface ModelOptions extends RuntimeOptions {
  /** Height and width to run at, multiples of 8; default: the file's own. */
  inputSize?: [height: number, width: number] | undefined;
  /** Gives up loading. */
  signal?: AbortSignal | undefined;
}

/** How `Model.profile` is to measure. */
export interface ProfileOptions {
  /** Runs that count; default 50. */
  runs?: number;
  /** Runs before those; default 10. */
  warmup?: number;
}

/** How `Model.advise` is to go about it. */
export interface AdviceOptions {
  /** Called for each change that is tried, with how much is done: 0 to 1. */
  progress?: ((done: number) => void) | undefined;
}

/** A loaded model. Calls are answered in the order in which they were made. */
export interface Model {
  readonly inputs: TensorInfo[];
  readonly outputs: TensorInfo[];
  readonly runtime: RuntimeInfo;
  /** Height and width that the file was made for; `undefined` for models without one image input. */
  readonly ownSize: Size | undefined;
  /**
   * Runs the model once: one typed array per input, of the input's type and number of elements.
   * The arrays are copied, and remain the caller's. Gives one typed array per output.
   */
  run(inputs: TypedArray[]): Promise<TypedArray[]>;
  /** Changes the input size: multiples of 8, or the model's own. When it is refused, the model keeps the size it had. */
  resize(height: number, width: number): Promise<void>;
  /** Measures every step: for some seconds where the browser's clock is coarse, else for as long as the runs take. */
  profile(options?: ProfileOptions): Promise<Profile>;
  /**
   * A profile for other programs: `text` as TFLite's benchmark_model prints it, `csv`, `json`, or `trace`, which
   * https://ui.perfetto.dev and chrome://tracing open.
   */
  exportProfile(profile: Profile, format: ProfileFormat): Promise<string>;
  /**
   * What to change in the model to make it faster or smaller, largest gain first; gains are measured on this device.
   * Empty when there is nothing to gain. Takes seconds to a minute; other calls wait meanwhile.
   */
  advise(options?: AdviceOptions): Promise<Advice[]>;
  /** The steps that `run` takes, in order. */
  layers(): Promise<LayerInfo[]>;
  /** Input sizes near the model's own aspect ratio that it allows, smallest first. */
  sizes(): Size[];
  /** Ends the worker. Calls that wait, and later ones, fail with the code `disposed`. */
  dispose(): void;
}

const FORMATS: readonly ProfileFormat[] = ['text', 'csv', 'json', 'trace'];

/** Loads a model into a new worker. */
export async function loadModel(source: ModelSource, options: ModelOptions = {}): Promise<Model> {
  return await LoadedModel.load(source, options);
}

/** The one implementation of `Model`; the segmenter also passes frames through it. */
export class LoadedModel implements Model {
  readonly #runtime: Runtime;
  #description: ModelDescription;

  private constructor(runtime: Runtime, description: ModelDescription) {
    this.#runtime = runtime;
    this.#description = description;
  }

  static async load(source: ModelSource, options: ModelOptions): Promise<LoadedModel> {
    const { signal, inputSize } = options;
    if (signal?.aborted) throw aborted(signal);
    if (inputSize !== undefined) checkSize(inputSize[0], inputSize[1]);
    // The file and the runtime come at the same time.
    const starting = Runtime.start(options);
    let giveUp = () => {};
    const abort = new Promise<never>((_, reject) => {
      giveUp = () => reject(aborted(signal));
      signal?.addEventListener('abort', giveUp);
    });
    try {
      const loading = (async () => {
        const [bytes, runtime] = await Promise.all([readSource(source, signal), starting]);
        const params = { bytes, threads: runtime.info.threads, inputSize };
        return new LoadedModel(runtime, await runtime.call('load', params, [bytes.buffer]));
      })();
      return await Promise.race([loading, abort]);
    } catch (error) {
      const reason = new OctomaskError('disposed', 'The model was not loaded.');
      starting.then((runtime) => runtime.stop(reason), () => undefined);
      throw error;
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
  }

  get inputs(): TensorInfo[] {
    return this.#description.inputs;
  }

  get outputs(): TensorInfo[] {
    return this.#description.outputs;
  }

  get runtime(): RuntimeInfo {
    return this.#runtime.info;
  }

  get ownSize(): Size | undefined {
    return this.#description.ownSize;
  }

  async run(inputs: TypedArray[]): Promise<TypedArray[]> {
    const count = this.inputs.length;
    if (!Array.isArray(inputs) || inputs.length !== count) {
      const got = Array.isArray(inputs) ? String(inputs.length) : 'something else';
      throw new OctomaskError('bad-input', `The model takes an array of ${count} input${count === 1 ? '' : 's'}, got ${got}.`);
    }
    return (await this.#runtime.call('run', { inputs })).outputs;
  }

  async resize(height: number, width: number): Promise<void> {
    checkSize(height, width);
    this.#description = await this.#runtime.call('resize', { height, width });
  }

  async profile(options: ProfileOptions = {}): Promise<Profile> {
    const { runs = 50, warmup = 10 } = options;
    if (!(Number.isInteger(runs) && runs >= 1 && Number.isInteger(warmup) && warmup >= 0)) {
      throw new OctomaskError('bad-input', `runs must be an integer of at least 1 and warmup of at least 0, got ${runs} and ${warmup}.`);
    }
    return (await this.#runtime.call('profile', { runs, warmup })).profile;
  }

  async exportProfile(profile: Profile, format: ProfileFormat): Promise<string> {
    if (!FORMATS.includes(format)) {
      throw new OctomaskError('bad-input', `A profile is exported as ${FORMATS.join(', ')}, not as '${String(format)}'.`);
    }
    return await this.#runtime.call('exportProfile', { tools: this.#runtime.tools, profile, format });
  }

  async advise({ progress }: AdviceOptions = {}): Promise<Advice[]> {
    return await this.#runtime.call('advise', { tools: this.#runtime.tools }, [], progress);
  }

  async layers(): Promise<LayerInfo[]> {
    return await this.#runtime.call('layers', undefined);
  }

  sizes(): Size[] {
    return this.#description.sizes;
  }

  /** The mean of whole runs, in milliseconds, after some that do not count: for the sweep. */
  async time(runs: number, warmup: number): Promise<number> {
    return await this.#runtime.call('time', { runs, warmup });
  }

  /** One frame to one mask: for the segmenter. */
  async segment(frame: WireFrame, how: { smoothing: number; layerTimes: boolean; tracks: boolean }): Promise<SegmentResult> {
    return await this.#runtime.call('segment', { frame, ...how }, transferOf(frame));
  }

  dispose(): void {
    this.#runtime.stop(new OctomaskError('disposed', 'The model was disposed; load it again.'));
  }
}

/** What Rust cannot be asked: a number that is no unsigned integer. The model says the rest. */
function checkSize(height: number, width: number): void {
  if (!(Number.isInteger(height) && Number.isInteger(width) && height > 0 && width > 0)) {
    throw new OctomaskError('bad-input', `An input size is two positive multiples of 8, height and width; got ${String(height)} x ${String(width)}.`);
  }
}

/** The bytes of a model, in a buffer of their own that may be transferred. */
async function readSource(source: ModelSource, signal: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer>> {
  if (source instanceof ArrayBuffer) return new Uint8Array(source.slice(0));
  if (ArrayBuffer.isView(source)) {
    const view = source as Uint8Array;
    return Uint8Array.from(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  }
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  if (typeof source !== 'string' && !(source instanceof URL)) {
    throw new OctomaskError('bad-input', 'A model is loaded from a URL, an ArrayBuffer, a Uint8Array or a Blob.');
  }
  return await fetchModel(source, signal);
}

async function fetchModel(source: string | URL, signal: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer>> {
  let problem: string;
  try {
    const response = await fetch(source, { signal: signal ?? null });
    const type = response.headers.get('content-type') ?? '';
    if (!response.ok) problem = `the server answered ${response.status}`;
    else if (type.startsWith('text/html')) problem = 'the server sent a web page, not a model';
    else return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    if (signal?.aborted) throw aborted(signal);
    problem = messageOf(error);
  }
  throw new OctomaskError('fetch-failed', `The model ${source} could not be fetched: ${problem}.`);
}

function aborted(signal: AbortSignal | undefined): OctomaskError {
  return new OctomaskError('aborted', 'Loading was aborted.', { cause: signal?.reason });
}
