/** In the worker: WebAssembly modules as wasm-bindgen makes them. */

import { OctomaskError, messageOf } from './errors.ts';
import type { ModuleFiles } from './messages.ts';

/** What all of them export. */
interface Startable {
  default(init: { module_or_path: WebAssembly.Module }): Promise<unknown>;
}

/** Fetches and starts one; `wasmBytes` is the size of its .wasm file. */
export async function startModule<G extends Startable>({ glue, wasm }: ModuleFiles): Promise<{ module: G; wasmBytes: number }> {
  const [bytes, module] = await Promise.all([fetchWasm(wasm), importGlue<G>(glue)]);
  await module.default({ module_or_path: await WebAssembly.compile(bytes) });
  return { module, wasmBytes: bytes.byteLength };
}

async function importGlue<G>(url: string): Promise<G> {
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
