/** Which build of the runtime runs, on how many threads, and why. */

import { relaxedSimd, simd } from 'wasm-feature-detect';
import { OctomaskError } from './errors.ts';
import type { BuildName } from './types.ts';

/** What the browser and the page allow. */
export interface Features {
  simd: boolean;
  relaxedSimd: boolean;
  /** The page was served with the isolation headers, so that threads can share memory. */
  isolated: boolean;
  cores: number;
}

/** What was chosen. */
export interface BuildChoice {
  build: BuildName;
  threads: number;
  reason: string;
}

/** All builds, in the order in which a list shows them. */
export const BUILDS: readonly BuildName[] = ['simd', 'simd-threads', 'relaxed', 'relaxed-threads'];

/** More threads than this are refused: each one is a worker with a stack of its own. */
const MAX_THREADS = 32;

/** Asks the browser. */
export async function detectFeatures(): Promise<Features> {
  if (typeof WebAssembly === 'undefined') return { simd: false, relaxedSimd: false, isolated: false, cores: 1 };
  return {
    simd: await simd(),
    relaxedSimd: await relaxedSimd(),
    isolated: globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer !== 'undefined',
    cores: globalThis.navigator?.hardwareConcurrency || 1,
  };
}

/**
 * Both cores of two; half of more, but no more than four: phones have slow cores beside fast ones,
 * and the page needs one as well.
 */
export function defaultThreads(cores: number): number {
  return Math.max(Math.min(cores, 2), Math.min(4, Math.ceil(cores / 2)));
}

/** Picks the build. A wish for threads gives way to what the page allows; a wish for a build does not. */
export function chooseBuild(
  build: BuildName | 'auto',
  threads: number | 'auto',
  features: Features,
): BuildChoice {
  if (threads !== 'auto' && !(Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS)) {
    throw new OctomaskError('bad-input', `threads must be 'auto' or an integer from 1 to ${MAX_THREADS}, got ${threads}.`);
  }
  if (build !== 'auto' && !BUILDS.includes(build)) {
    throw new OctomaskError('bad-input', `build must be 'auto' or one of ${BUILDS.join(', ')}, got ${build}.`);
  }
  if (!features.simd) {
    throw new OctomaskError('no-simd', 'This browser has no WebAssembly SIMD; Chrome 91, Firefox 89, Safari 16.4 and later have it.');
  }
  return build === 'auto' ? chooseFreely(threads, features) : obey(build, threads, features);
}

function chooseFreely(threads: number | 'auto', features: Features): BuildChoice {
  const count = features.isolated ? (threads === 'auto' ? defaultThreads(features.cores) : threads) : 1;
  const why = [features.relaxedSimd ? 'this browser has relaxed SIMD' : 'this browser has no relaxed SIMD'];
  if (threads === 1) why.push('one thread was asked for');
  else if (!features.isolated) why.push('one thread because the page is not cross-origin isolated');
  else if (count === 1) why.push('one thread because there is one core');
  else why.push(`${count} threads ${threads === 'auto' ? `for ${features.cores} cores` : 'were asked for'}`);
  return { build: nameOf(features.relaxedSimd, count > 1), threads: count, reason: sentence(why) };
}

function obey(build: BuildName, threads: number | 'auto', features: Features): BuildChoice {
  if (isRelaxed(build) && !features.relaxedSimd) {
    throw new OctomaskError('unsupported-build', `The build ${build} needs relaxed SIMD, which this browser does not have; ask for simd or auto.`);
  }
  if (isThreaded(build) && !features.isolated) {
    throw new OctomaskError('unsupported-build', `The build ${build} needs a cross-origin isolated page (headers Cross-Origin-Opener-Policy and Cross-Origin-Embedder-Policy); ask for ${withoutThreads(build)} or auto.`);
  }
  const count = !isThreaded(build) ? 1 : threads === 'auto' ? defaultThreads(features.cores) : threads;
  const why = ['this build was asked for'];
  if (!isThreaded(build) && threads !== 'auto' && threads > 1) why.push('it has one thread only');
  else why.push(count === 1 ? 'one thread' : `${count} threads`);
  return { build, threads: count, reason: sentence(why) };
}

/** The build that runs when the thread pool does not start. */
export function fallBack(choice: BuildChoice, problem: string): BuildChoice {
  return { build: withoutThreads(choice.build), threads: 1, reason: sentence(['one thread', problem]) };
}

/** Whether the build has a thread pool. */
export function isThreaded(build: BuildName): boolean {
  return build.endsWith('-threads');
}

function isRelaxed(build: BuildName): boolean {
  return build.startsWith('relaxed');
}

function withoutThreads(build: BuildName): BuildName {
  return nameOf(isRelaxed(build), false);
}

function nameOf(relaxed: boolean, threaded: boolean): BuildName {
  return `${relaxed ? 'relaxed' : 'simd'}${threaded ? '-threads' : ''}`;
}

function sentence(parts: string[]): string {
  const text = parts.join('; ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
