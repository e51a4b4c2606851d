/** The block lab: the article's blocks as real `.tflite` models, built here, and run side by side on this device. */

import { OctomaskError } from './errors.ts';
import { Runtime, type RuntimeOptions } from './runtime.ts';
import type { RuntimeInfo, Stats } from './types.ts';

/** A question, as blocks to measure. */
export interface Experiment {
  name: string;
  /** What is compared. */
  title: string;
  /** What the article says, in one sentence. */
  claim: string;
  /** The number of channels must be a multiple of this. */
  multipleOf: number;
  /** Whether it compares numeric forms itself, and takes no other one. */
  ofForms: boolean;
}

/** What an experiment is done with; whatever is left out has a usual value. */
export interface LabSetup {
  /** Rows and columns of the input; default 64. */
  size?: number | undefined;
  /** Channels of the input; default 32. */
  channels?: number | undefined;
  /** How all blocks store their numbers. */
  form?: 'float32' | 'float16' | 'dynamic-range' | 'int8' | undefined;
}

/** How long to measure. */
export interface LabEffort {
  /** In each, every block is timed once; default 30. */
  rounds?: number | undefined;
  /** No further round begins after so many ms; default 3000. */
  atMostMs?: number | undefined;
}

/** What was measured of a model file that ran in turn with others. */
export interface MeasuredFile {
  /** Of one run. */
  ms: Stats;
  /** How many times as long as the first one it takes: the median of the rounds' own ratios. */
  ratio: number;
  /** Multiply-adds. */
  macs: number;
  /** Bytes of activations and weights that its layers read and write. */
  bytes: number;
  /** 10^9 floating point operations (two a multiply-add) per second. */
  gflops: number;
}

/** One block of an experiment that was done. */
export interface LabRow extends MeasuredFile {
  name: string;
  /** The name as part of a file's name. */
  slug: string;
  /** Weights and biases. */
  parameters: number;
  /** The block itself, a `.tflite` file. */
  file: Uint8Array<ArrayBuffer>;
}

/** Blocks, and a worker to run them in. */
export interface Lab {
  readonly runtime: RuntimeInfo;
  readonly experiments: Experiment[];
  /** Builds the blocks of an experiment, runs them in turn, and gives one row each. Takes seconds. */
  run(name: string, setup?: LabSetup, effort?: LabEffort): Promise<LabRow[]>;
  /** Ends the worker. */
  dispose(): void;
}

/** Starts a worker for the lab. */
export async function openLab(options: RuntimeOptions = {}): Promise<Lab> {
  const runtime = await Runtime.start(options);
  try {
    return new WorkerLab(runtime, await runtime.call('experiments', { tools: runtime.tools }));
  } catch (error) {
    runtime.stop(new OctomaskError('disposed', 'The lab was not opened.'));
    throw error;
  }
}

class WorkerLab implements Lab {
  readonly #runtime: Runtime;
  readonly experiments: Experiment[];

  constructor(runtime: Runtime, experiments: Experiment[]) {
    this.#runtime = runtime;
    this.experiments = experiments;
  }

  get runtime(): RuntimeInfo {
    return this.#runtime.info;
  }

  async run(name: string, setup: LabSetup = {}, { rounds = 30, atMostMs = 3000 }: LabEffort = {}): Promise<LabRow[]> {
    for (const [what, value] of Object.entries({ ...setup, form: undefined, rounds, atMostMs })) {
      if (value !== undefined && !(Number.isInteger(value) && value > 0)) {
        throw new OctomaskError('bad-input', `${what} must be a positive integer, got ${String(value)}.`);
      }
    }
    const { tools, info } = this.#runtime;
    return await this.#runtime.call('experiment', { tools, name, setup, threads: info.threads, rounds, atMostMs });
  }

  dispose(): void {
    this.#runtime.stop(new OctomaskError('disposed', 'The lab was closed; open it again.'));
  }
}
