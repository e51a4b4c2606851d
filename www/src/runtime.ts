/** Starts a worker with a build in it, and falls back to one thread when the pool does not start. */

import { type BuildChoice, chooseBuild, detectFeatures, fallBack, isThreaded } from './builds.ts';
import { OctomaskError, messageOf } from './errors.ts';
import type { ModuleFiles, Requests } from './messages.ts';
import { Client, type Progress } from './rpc.ts';
import type { BuildName, RuntimeInfo } from './types.ts';

/** What one can choose of the runtime. */
export interface RuntimeOptions {
  /** Default `'auto'`: several where the page is cross-origin isolated, else one. */
  threads?: number | 'auto' | undefined;
  /** Default `'auto'`: the fastest that runs. Asking for one that cannot run is an error. */
  build?: BuildName | 'auto' | undefined;
  /** A folder that holds what this package has in `dist/wasm`, if it is not beside the package. */
  assets?: string | URL | undefined;
}

/** A pool starts in tens of milliseconds; where it hangs, it hangs for ever and says nothing. */
const POOL_TIMEOUT_MS = 3000;

/** Written out, because bundlers look for `new URL` with a literal. */
const FILES: Record<BuildName | 'tools', () => { glue: URL; wasm: URL }> = {
  simd: () => ({
    glue: new URL('./wasm/simd/octomask.js', import.meta.url),
    wasm: new URL('./wasm/simd/octomask_bg.wasm', import.meta.url),
  }),
  'simd-threads': () => ({
    glue: new URL('./wasm/simd-threads/octomask.js', import.meta.url),
    wasm: new URL('./wasm/simd-threads/octomask_bg.wasm', import.meta.url),
  }),
  relaxed: () => ({
    glue: new URL('./wasm/relaxed/octomask.js', import.meta.url),
    wasm: new URL('./wasm/relaxed/octomask_bg.wasm', import.meta.url),
  }),
  'relaxed-threads': () => ({
    glue: new URL('./wasm/relaxed-threads/octomask.js', import.meta.url),
    wasm: new URL('./wasm/relaxed-threads/octomask_bg.wasm', import.meta.url),
  }),
  tools: () => ({
    glue: new URL('./wasm/tools/octomask.js', import.meta.url),
    wasm: new URL('./wasm/tools/octomask_bg.wasm', import.meta.url),
  }),
};

/** A worker with a build in it. */
export class Runtime {
  readonly #worker: Worker;
  readonly #client: Client<Requests>;
  /** Where the module with advice, reports and the lab lies: the worker fetches it when it is first asked for. */
  readonly tools: ModuleFiles;
  #info: RuntimeInfo;

  private constructor(choice: BuildChoice, assets: string | URL | undefined) {
    this.tools = filesOf('tools', assets);
    this.#worker = startWorker();
    this.#client = new Client<Requests>(this.#worker);
    this.#info = { ...choice, wasmBytes: 0, memoryBytes: 0 };
    this.#worker.addEventListener('error', (event) => {
      const what = event.message ? `: ${event.message}` : '';
      this.stop(new OctomaskError('worker-failed', `The worker did not start, or stopped${what}; check that ${workerUrl()} is served as JavaScript.`));
    });
  }

  /** Chooses a build, starts it, and its thread pool if it has one. */
  static async start(options: RuntimeOptions): Promise<Runtime> {
    const choice = chooseBuild(options.build ?? 'auto', options.threads ?? 'auto', await detectFeatures());
    if (!isThreaded(choice.build)) return await Runtime.#start(choice, options.assets);
    try {
      return await Runtime.#start(choice, options.assets);
    } catch (error) {
      if (!(error instanceof PoolError)) throw error;
      return await Runtime.#start(fallBack(choice, error.message), options.assets);
    }
  }

  static async #start(choice: BuildChoice, assets: string | URL | undefined): Promise<Runtime> {
    const runtime = new Runtime(choice, assets);
    try {
      const { wasmBytes } = await runtime.call('start', filesOf(choice.build, assets));
      runtime.#info = { ...runtime.#info, wasmBytes };
      // The worker takes part in the work itself: a pool of the others only.
      if (choice.threads > 1) await runtime.#startPool(choice.threads - 1);
      return runtime;
    } catch (error) {
      runtime.stop(new OctomaskError('worker-failed', 'The worker was stopped.'));
      throw error;
    }
  }

  async #startPool(workers: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<never>((_, reject) => {
      const message = `the thread pool did not start within ${POOL_TIMEOUT_MS / 1000} s`;
      timer = setTimeout(() => reject(new PoolError(message)), POOL_TIMEOUT_MS);
    });
    const started = this.call('startPool', { workers }).catch((error: unknown) => {
      throw new PoolError(`the thread pool did not start (${messageOf(error).replace(/\.$/, '')})`);
    });
    try {
      await Promise.race([started, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** What runs, why, and how large it is now. */
  get info(): RuntimeInfo {
    return { ...this.#info };
  }

  /** Asks the worker. An error inside the runtime ends it, for its memory may be in any state. */
  async call<K extends keyof Requests>(
    method: K,
    params: Requests[K]['params'],
    transfer: Transferable[] = [],
    progress?: Progress,
  ): Promise<Requests[K]['result']> {
    try {
      const result = await this.#client.call(method, params, transfer, progress);
      if (typeof result === 'object' && 'memoryBytes' in result) {
        this.#info = { ...this.#info, memoryBytes: result.memoryBytes };
      }
      return result;
    } catch (error) {
      if (error instanceof OctomaskError && error.code === 'worker-failed') this.stop(error);
      throw error;
    }
  }

  /** Ends the worker and its pool; calls that wait and later ones fail with `error`. */
  stop(error: OctomaskError): void {
    this.#worker.terminate();
    this.#client.close(error);
  }
}

/** The pool did not start; the message is the part of a sentence that says so. */
class PoolError extends Error {}

function workerUrl(): URL {
  return new URL('./worker.js', import.meta.url);
}

/** Workers must come from the page's own origin; one from elsewhere is imported by a shim that does. */
function startWorker(): Worker {
  const url = workerUrl();
  if (typeof Worker === 'undefined' || typeof location === 'undefined') {
    throw new OctomaskError('worker-failed', 'Octomask runs in browsers: there are no web workers here.');
  }
  try {
    if (url.origin === location.origin) return new Worker(url, { type: 'module', name: 'octomask' });
    const shim = URL.createObjectURL(new Blob([`import ${JSON.stringify(url.href)};`], { type: 'text/javascript' }));
    const worker = new Worker(shim, { type: 'module', name: 'octomask' });
    worker.addEventListener('message', () => URL.revokeObjectURL(shim), { once: true });
    return worker;
  } catch (error) {
    throw new OctomaskError('worker-failed', `The browser refused to start the worker ${url}: ${messageOf(error)}.`, { cause: error });
  }
}

function filesOf(build: BuildName | 'tools', assets: string | URL | undefined): ModuleFiles {
  if (assets === undefined) {
    const { glue, wasm } = FILES[build]();
    return { glue: glue.href, wasm: wasm.href };
  }
  const folder = new URL(String(assets).replace(/\/?$/, '/'), globalThis.document?.baseURI ?? location.href);
  return {
    glue: new URL(`${build}/octomask.js`, folder).href,
    wasm: new URL(`${build}/octomask_bg.wasm`, folder).href,
  };
}
