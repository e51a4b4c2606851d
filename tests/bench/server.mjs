/** What the pages of the bench load: all of it from this machine. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { servePackage } from '../browser/package.mjs';
import { at } from '../browser/tools.mjs';

const modules = (name) => at('tests/bench/node_modules', name);

const IMPORTS = {
  '@litertjs/core': '/litert/core/dist/index.js',
  '@litertjs/wasm-utils': '/litert/wasm-utils/dist/index.js',
};
const CONTENDER = `<!doctype html><meta charset="utf-8"><title>Contender</title>
  <script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>
  <body><script type="module" src="/bench/host.mjs"></script>`;

export function serveBench({ pages = {}, ...options } = {}) {
  return servePackage({
    folders: {
      '/target/': at('target'),
      '/bench/': at('tests/bench/in-page'),
      '/litert/': modules('@litertjs'),
      '/onnxruntime/': modules('onnxruntime-web/dist'),
      '/tensorflow/': modules('@tensorflow'),
      '/mediapipe/': modules('@mediapipe'),
    },
    pages: { '/contender.html': CONTENDER, ...pages },
    ...options,
  });
}

/** A model of target/bench/models.json as the page wants it. */
export function forPage({ name, file, onnx, input, output, shape, tolerance, frame }) {
  const url = (path) => `/target/${path}`;
  const problem = at('target', onnx.replace(/onnx$/, 'problem'));
  return {
    file: url(file),
    onnx: existsSync(problem) ? { problem: readFileSync(problem, 'utf8').trim() } : { url: url(onnx) },
    input: url(input),
    output: url(output),
    shape,
    tolerance,
    // For segmenters.
    ...(frame && { frame, landscape: name.endsWith('landscape'), task: url(`bench/${name}.task.tflite`) }),
  };
}

/** Versions of everything that is measured. */
export function versions() {
  const version = (path) => JSON.parse(readFileSync(path, 'utf8')).version;
  const peer = (name) => version(join(modules(name), 'package.json'));
  return {
    octomask: version(at('www/package.json')),
    'LiteRT.js': peer('@litertjs/core'),
    'onnxruntime-web': peer('onnxruntime-web'),
    'tfjs-tflite': peer('@tensorflow/tfjs-tflite'),
    'MediaPipe selfie_segmentation': peer('@mediapipe/selfie_segmentation'),
    'MediaPipe tasks-vision': peer('@mediapipe/tasks-vision'),
  };
}
