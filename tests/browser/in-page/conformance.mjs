/** Runs in the page: the cases of tests/conformance/generate.py through the package's public API. */

import { loadModel } from '/octomask/index.js';

/** How NumPy describes the types, and what JavaScript has for them. */
const ARRAYS = {
  '<f4': Float32Array,
  '|i1': Int8Array,
  '|u1': Uint8Array,
  '|b1': Uint8Array,
  '<i2': Int16Array,
  '<i4': Int32Array,
  '<i8': BigInt64Array,
};

/** The elements of a .npy file. */
export async function readNpy(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  const bytes = await response.arrayBuffer();
  const header = new DataView(bytes);
  // "\x93NUMPY", version (2 bytes), length of the description (2 bytes), the description.
  const start = 10 + header.getUint16(8, true);
  const description = new TextDecoder().decode(new Uint8Array(bytes, 10, start - 10));
  const name = Object.keys(ARRAYS).find((name) => description.includes(`'${name}'`));
  if (!name) throw new Error(`${url}: ${description}`);
  return new ARRAYS[name](bytes.slice(start));
}

/** What is wrong with `got`, if anything. */
function difference(got, want, tolerance, outliers) {
  if (got?.constructor !== want.constructor) return `got ${got?.constructor?.name}, TFLite has ${want.constructor.name}`;
  if (got.length !== want.length) return `${got.length} elements, TFLite has ${want.length}`;
  let [worst, at, wrong] = [0, 0, 0];
  for (let i = 0; i < got.length; i++) {
    if (got[i] === want[i] || (Number.isNaN(got[i]) && Number.isNaN(want[i]))) continue;
    const d = Math.abs(Number(got[i]) - Number(want[i]));
    if (!(d <= tolerance)) wrong++;
    if (!(d <= worst)) [worst, at] = [d, i];
  }
  if (wrong <= outliers * got.length) return undefined;
  return `${wrong} elements, element ${at}: ${got[at]} for ${want[at]} (off by ${worst}, allowed ${tolerance})`;
}

/**
 * The first pixel whose class is not TFLite's although TFLite's leads by more than `margin`. `got` has
 * scores, or classes: one number per pixel.
 */
function misclassified(got, want, { channels, margin }) {
  const best = (scores, at) => {
    let c = 0;
    for (let i = 1; i < channels; i++) if (scores[at + i] > scores[at + c]) c = i;
    return c;
  };
  const pixels = want.length / channels;
  for (let p = 0; p < pixels; p++) {
    const theirs = best(want, p * channels);
    const scores = want.slice(p * channels, (p + 1) * channels);
    const lead = scores[theirs] - Math.max(...scores.filter((_, i) => i !== theirs));
    const ours = got.length === pixels ? Number(got[p]) : best(got, p * channels);
    if (ours !== theirs && lead > margin) return `pixel ${p} is of class ${ours}, in TFLite of ${theirs}, which leads by ${lead}`;
  }
}

/** What is wrong with output `i` of a case, if anything. */
export async function wrongOutput(folder, c, i, got) {
  const want = (k) => readNpy(`${folder}/${c.outputs[k]}`);
  const classes = c.classes[i];
  const wrong = classes && misclassified(got, await want(classes.scores), classes);
  if (wrong || (classes && classes.scores !== i)) return wrong;
  return difference(got, await want(i), c.tolerances[i], c.outliers);
}

/** [file, cases] of the models of a suite, or of `most` of them, evenly chosen. */
export async function casesByModel(suite, most = Infinity) {
  const cases = await (await fetch(`/conformance/${suite}/cases.json`)).json();
  const all = [...Map.groupBy(cases, (c) => c.model).entries()];
  const step = Math.max(1, Math.floor(all.length / most));
  return all.filter((_, i) => i % step === 0);
}

/**
 * Runs the models of a suite with all their cases, or `most` of them, evenly chosen. Returns
 * {ran, failures, runtime}, the last being what the package says of the build that ran.
 */
export async function check(suite, options, most = Infinity) {
  const folder = `/conformance/${suite}`;
  const models = await casesByModel(suite, most);
  const failures = [];
  let ran = 0;
  let runtime;
  for (const [file, group] of models) {
    let model;
    try {
      model = await loadModel(`${folder}/${file}`, options);
    } catch (error) {
      const { name, refused } = group[0];
      if (!refused || !error.message.includes(refused)) failures.push(`${name}: ${error.message}`);
      continue;
    }
    if (group[0].refused) failures.push(`${group[0].name}: loads, although it has ${group[0].refused}`);
    runtime = model.runtime;
    let size = null;
    for (const c of group) {
      ran++;
      try {
        if (c.size && `${c.size}` !== `${size}`) await model.resize(...c.size);
        size = c.size;
        const inputs = await Promise.all(c.inputs.map((name) => readNpy(`${folder}/${name}`)));
        const outputs = await model.run(inputs);
        for (const i of c.outputs.keys()) {
          const wrong = await wrongOutput(folder, c, i, outputs[i]);
          if (wrong) failures.push(`${c.name}: output ${i}: ${wrong}`);
        }
      } catch (error) {
        failures.push(`${c.name}: ${error.message}`);
      }
    }
    model.dispose();
  }
  return { ran, failures, runtime };
}
