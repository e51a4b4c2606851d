/** @tensorflow/tfjs-tflite: TFLite with XNNPACK of 2022. Its runner is called without the tensors around it. */

import { loadScript } from '../host.mjs';

export async function open({ model: url, input, threads }) {
  for (const script of ['tfjs-core/dist/tf-core', 'tfjs-backend-cpu/dist/tf-backend-cpu', 'tfjs-tflite/dist/tf-tflite']) {
    await loadScript(`/tensorflow/${script}.min.js`);
  }
  const { tflite } = globalThis;
  tflite.setWasmPath('/tensorflow/tfjs-tflite/wasm/');
  const model = await tflite.loadTFLiteModel(url, { numThreads: threads });
  const runner = model.modelRunner;
  runner.getInputs()[0].data().set(input);
  const run = () => {
    if (!runner.infer()) throw new Error('infer() failed');
  };
  return {
    run,
    output() {
      run();
      return Float32Array.from(runner.getOutputs()[0].data());
    },
    close: () => runner.cleanUp?.(),
  };
}
