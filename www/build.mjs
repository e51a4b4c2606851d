/**
 * Assembles the package in `dist`: types, the page's half, the worker, the WebAssembly builds
 * and the models. The builds are read from `../target/wasm`, where the Makefile leaves them.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';

const BUILDS = ['simd', 'simd-threads', 'relaxed', 'relaxed-threads', 'tools'];
const MODELS = ['selfie_segmentation.tflite', 'selfie_segmentation_landscape.tflite'];

const www = new URL('./', import.meta.url);
const dist = new URL('dist/', www);
const wasm = new URL('../target/wasm/', www);
const models = new URL('node_modules/@mediapipe/selfie_segmentation/', www);
const path = (file, base) => fileURLToPath(new URL(file, base));

/** One entry to one file, without relative imports: any server and any bundler can move it. */
async function bundle(input, file, options = {}) {
  const build = await rolldown({ input, platform: 'browser', logLevel: 'warn', ...options });
  await build.write({ file, format: 'esm', codeSplitting: false, comments: true });
  await build.close();
}

/** The snippet starts each thread in a way of which wasm-bindgen warns on the console. */
const currentParameters = {
  name: 'current-parameters',
  transform(code, id) {
    if (!id.endsWith('workerHelpers.no-bundler.js')) return undefined;
    const old = 'pkg.default(data.module, data.memory)';
    if (!code.includes(old)) throw new Error(`${id} has changed: it lacks ${old}`);
    return code.replace(old, 'pkg.default({ module_or_path: data.module, memory: data.memory })');
  },
};

async function copyBuild(name) {
  const from = new URL(`${name}/`, wasm);
  const to = new URL(`wasm/${name}/`, dist);
  await stat(new URL('octomask_bg.wasm', from)).catch(() => {
    throw new Error(`target/wasm/${name}/octomask_bg.wasm is missing: build it with make`);
  });
  await mkdir(to, { recursive: true });
  // With its snippets (the thread pool, the clock) in the same file, for bundlers that rename files.
  await bundle(path('octomask.js', from), path('octomask.js', to), { plugins: [currentParameters] });
  await cp(new URL('octomask_bg.wasm', from), new URL('octomask_bg.wasm', to));
}

await rm(dist, { recursive: true, force: true });
await mkdir(new URL('models/', dist), { recursive: true });
await Promise.all([
  bundle(path('src/index.ts', www), path('index.js', dist)),
  bundle(path('src/worker.ts', www), path('worker.js', dist)),
  promisify(execFile)(path('node_modules/.bin/tsc', www), ['-p', 'tsconfig.lib.json'], { cwd: path('.', www) })
    .catch((error) => { throw new Error(`tsc: ${error.stdout || error.message}`); }),
  ...BUILDS.map(copyBuild),
  cp(new URL('../LICENSE', www), new URL('LICENSE', www)),
  ...MODELS.map((name) => cp(new URL(name, models), new URL(`models/${name}`, dist))),
]);

// A bundler that resolved these would break `new URL` for whoever uses the package.
const index = await readFile(new URL('index.js', dist), 'utf8');
for (const literal of ['new URL("./worker.js", import.meta.url)', ...BUILDS.map((name) => `new URL("./wasm/${name}/octomask.js", import.meta.url)`)]) {
  if (!index.includes(literal)) throw new Error(`dist/index.js lost ${literal}`);
}
