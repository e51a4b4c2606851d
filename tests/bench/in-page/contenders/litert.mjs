/** LiteRT.js: TFLite with XNNPACK. `run` does not read the result. */

import { Tensor, getGlobalLiteRt, loadAndCompile, loadLiteRt } from '@litertjs/core';

export async function open({ model: url, shape, input, threads }) {
  await loadLiteRt('/litert/core/wasm/', { threads: threads > 1 });
  const model = await loadAndCompile(url, { accelerator: 'wasm', cpuOptions: { numThreads: threads } });
  const tensor = new Tensor(input, shape);
  const invoke = () => model.run([tensor]);
  return {
    about: { pool: getGlobalLiteRt().liteRtWasm.getThreadCount?.() ?? 1 },
    async run() {
      for (const output of await invoke()) output.delete();
    },
    async output() {
      const outputs = await invoke();
      const data = Float32Array.from(await outputs[0].data());
      for (const output of outputs) output.delete();
      return data;
    },
    close() {
      tensor.delete();
      model.delete();
    },
  };
}
