/** Camera frames to masks. */

import { type FrameSource, capture, closeFrame, isVideo } from './capture.ts';
import { OctomaskError } from './errors.ts';
import { LoadedModel, type Model, type ModelOptions, type ModelSource } from './model.ts';

/** How a segmenter is to work. */
export interface SegmenterOptions extends ModelOptions {
  /** Default: the selfie segmentation model that comes with the package. */
  model?: ModelSource | undefined;
  /**
   * Smoothing over time, 0 (none) to 1 (most); `true` means 0.9. Default: on for video elements
   * and VideoFrames, off for everything else, which may be pictures that have nothing in common.
   */
  smoothing?: boolean | number | undefined;
  /** Whether each mask carries the time of each layer. */
  layerTimes?: boolean | undefined;
  /** See `Segmenter.devtools`. */
  devtools?: boolean | undefined;
}

/** Milliseconds that each stage of one frame took. */
export interface Timings {
  /** Taking the frame and reading its pixels. */
  capture: number;
  /** Pixels to the model's input. */
  resize: number;
  /** The model. */
  infer: number;
  /** The model's output to the mask. */
  mask: number;
  /** From the call of `segment` to its answer, waiting included. */
  total: number;
}

/** Where the person is. */
export interface Mask {
  /** Row-major: 0 (background) to 255 (person). */
  data: Uint8Array;
  /** Of the mask, which has the size of the model's output; stretch it over the frame. */
  width: number;
  height: number;
  timings: Timings;
  /** With `layerTimes`: ms per layer, in the order of `model.layers()`. */
  layers?: Float64Array;
}

/** Makes masks of frames. */
export interface Segmenter {
  readonly model: Model;
  /** Smoothing as in the options; may be changed between frames. */
  smoothing: boolean | number | undefined;
  /**
   * Whether each frame's stages and layers appear on tracks of their own in the performance panel of Chromium's
   * developer tools. Times them, as `layerTimes` does. May be changed between frames; default: off.
   */
  devtools: boolean;
  /**
   * The mask of the frame as it is at the time of the call. One frame is worked on at a time;
   * further calls wait their turn.
   */
  segment(frame: FrameSource): Promise<Mask>;
  /** Ends the worker. Calls that wait, and later ones, fail with the code `disposed`. */
  dispose(): void;
}

/** The models that come with the package. */
export type PackagedModel = 'selfie' | 'selfie-landscape';

/** MediaPipe's own default for this way of smoothing. */
const DEFAULT_SMOOTHING = 0.9;

/** The address of a model that comes with the package: 256x256, or 144x256 for wide pictures. */
export function packagedModel(name: PackagedModel): URL {
  return name === 'selfie'
    ? new URL('./models/selfie_segmentation.tflite', import.meta.url)
    : new URL('./models/selfie_segmentation_landscape.tflite', import.meta.url);
}

/** Loads a segmentation model into a new worker. */
export async function createSegmenter(options: SegmenterOptions = {}): Promise<Segmenter> {
  checkSmoothing(options.smoothing);
  const model = await LoadedModel.load(options.model ?? packagedModel('selfie'), options);
  return new ModelSegmenter(model, options);
}

class ModelSegmenter implements Segmenter {
  readonly #model: LoadedModel;
  readonly #layerTimes: boolean;
  #smoothing: boolean | number | undefined;
  devtools: boolean;
  /** Settles when the last frame that was taken is answered. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(model: LoadedModel, options: SegmenterOptions) {
    this.#model = model;
    this.#layerTimes = options.layerTimes ?? false;
    this.#smoothing = options.smoothing;
    this.devtools = options.devtools ?? false;
  }

  get model(): Model {
    return this.#model;
  }

  get smoothing(): boolean | number | undefined {
    return this.#smoothing;
  }

  set smoothing(value: boolean | number | undefined) {
    checkSmoothing(value);
    this.#smoothing = value;
  }

  segment(frame: FrameSource): Promise<Mask> {
    const start = performance.now();
    const how = {
      smoothing: amount(this.#smoothing ?? isVideo(frame)),
      layerTimes: this.#layerTimes,
      tracks: this.devtools,
    };
    // Taken now: it may be another picture when the worker is free.
    const captured = capture(frame);
    const mask = this.#last.then(async (): Promise<Mask> => {
      const { wire, ms } = await captured;
      const result = await this.#model.segment(wire, how).finally(() => closeFrame(wire));
      const { data, width, height, timings, layers } = result;
      return {
        data,
        width,
        height,
        timings: { ...timings, capture: timings.capture + ms, total: performance.now() - start },
        ...(layers && { layers }),
      };
    });
    this.#last = mask.catch(() => undefined);
    // The same error comes out of `mask`, in its turn.
    captured.catch(() => undefined);
    return mask;
  }

  dispose(): void {
    this.#model.dispose();
  }
}

function amount(smoothing: boolean | number): number {
  return typeof smoothing === 'number' ? smoothing : smoothing ? DEFAULT_SMOOTHING : 0;
}

function checkSmoothing(smoothing: unknown): void {
  if (smoothing === undefined || typeof smoothing === 'boolean') return;
  if (!(typeof smoothing === 'number' && smoothing >= 0 && smoothing <= 1)) {
    throw new OctomaskError('bad-input', `smoothing must be true, false or a number from 0 to 1, got ${String(smoothing)}.`);
  }
}
