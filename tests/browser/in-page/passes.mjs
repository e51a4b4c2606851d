/**
 * A worker: the cases of tests/conformance/generate.py with each graph pass left out in turn. The package has no such
 * option, so this calls the build itself. Posted {build, threads, suite, most}, answers {ran, passes, failures}.
 */

import { casesByModel, readNpy, wrongOutput } from './conformance.mjs';

async function checkWithoutEach({ build, threads, suite, most }) {
  const glue = await import(`/octomask/wasm/${build}/octomask.js`);
  await glue.default();
  if (threads > 1) await glue.initThreadPool(threads - 1);
  const folder = `/conformance/${suite}`;
  const ordinary = (c) => !c.refused && !c.size;
  const models = (await casesByModel(suite, most)).filter(([, cases]) => cases.some(ordinary));
  const passes = glue.passes();
  const failures = [];
  let ran = 0;
  for (const [file, cases] of models) {
    const bytes = new Uint8Array(await (await fetch(`${folder}/${file}`)).arrayBuffer());
    const c = cases.find(ordinary);
    const inputs = await Promise.all(c.inputs.map((name) => readNpy(`${folder}/${name}`)));
    for (const pass of passes) {
      ran++;
      try {
        const model = glue.WasmModel.load(bytes, threads, undefined, undefined, [pass]);
        inputs.forEach((data, i) => model.setInput(i, data));
        model.run();
        for (const i of c.outputs.keys()) {
          const wrong = await wrongOutput(folder, c, i, model.output(i));
          if (wrong) failures.push(`${c.name} without ${pass}: output ${i}: ${wrong}`);
        }
        model.free();
      } catch (error) {
        failures.push(`${c.name} without ${pass}: ${error.message}`);
      }
    }
  }
  return { ran, passes, failures };
}

addEventListener('message', async ({ data }) => {
  try {
    postMessage(await checkWithoutEach(data));
  } catch (error) {
    postMessage({ error: String(error) });
  }
});
