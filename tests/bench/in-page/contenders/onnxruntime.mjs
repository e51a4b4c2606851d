/** onnxruntime-web on its wasm back end, with the model that tf2onnx made of the .tflite file. */

import * as ort from '/onnxruntime/ort.wasm.min.mjs';

export async function open({ onnx, shape, input, threads }) {
  if (onnx.problem) throw new Error(onnx.problem);
  ort.env.wasm.wasmPaths = '/onnxruntime/';
  ort.env.wasm.numThreads = threads;
  const session = await ort.InferenceSession.create(onnx.url, { executionProviders: ['wasm'], graphOptimizationLevel: 'all' });
  const feeds = { [session.inputNames[0]]: new ort.Tensor('float32', input, shape) };
  const invoke = async () => (await session.run(feeds))[session.outputNames[0]];
  return {
    async run() {
      (await invoke()).dispose();
    },
    output: async () => Float32Array.from((await invoke()).data),
    close: () => session.release(),
  };
}
