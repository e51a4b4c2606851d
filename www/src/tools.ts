/**
 * In the worker: the second WebAssembly module, with what is wanted beside running a model. It is fetched when it is
 * first asked for. `src/web/tools.rs` has what it exports.
 */

import type { Experiment, LabSetup } from './lab.ts';
import type { ModuleFiles } from './messages.ts';
import { startModule } from './modules.ts';
import type { Advice, Profile } from './types.ts';
import type { Difference } from './wasm.ts';

/** As wasm-bindgen writes it. */
export interface Tools {
  default(init: { module_or_path: WebAssembly.Module }): Promise<unknown>;
  /** `json` is left to JavaScript itself. */
  exportProfile(profile: Profile, format: 'text' | 'csv' | 'trace'): string;
  /**
   * Proposes changes of the model, has each timed against what it replaces, and ranks those that gain. `time` is given
   * two model files, `progress` how much is done: 0 to 1.
   */
  advise(
    file: Uint8Array,
    height: number | undefined,
    width: number | undefined,
    profile: Profile,
    time: TimePair,
    progress: (done: number) => void,
  ): Advice[];
  experiments(): Experiment[];
  /** The blocks of an experiment as `.tflite` files. */
  buildExperiment(name: string, setup: LabSetup): Block[];
}

/** Runs two models in turn, for about so long, unless they differ plainly or by less than `leastMs`. */
export type TimePair = (before: Uint8Array, after: Uint8Array, budgetMs: number, leastMs: number) => Difference;

/** One of the blocks that an experiment compares. */
export interface Block {
  name: string;
  slug: string;
  parameters: number;
  file: Uint8Array<ArrayBuffer>;
}

let loading: Promise<Tools> | undefined;

/** The module, started. */
export function toolsModule(files: ModuleFiles): Promise<Tools> {
  loading ??= startModule<Tools>(files).then(({ module }) => module);
  // Another try may find the network back.
  loading.catch(() => { loading = undefined; });
  return loading;
}
