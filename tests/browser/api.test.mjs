/** The package's public API in Chromium: what it gives, and what it says when something is wrong. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, openPage } from './chromium.mjs';
import { servePackage } from './package.mjs';

let browser;
const servers = [];
let isolated;
let plain;

async function pageOf(options) {
  const server = await servePackage({
    pages: { '/start-page.tflite': '<!doctype html><title>Start</title>' },
    ...options,
  });
  servers.push(server);
  return openPage(browser, server.url);
}

before(async () => {
  browser = await launch();
  isolated = await pageOf({ isolated: true });
  plain = await pageOf({ isolated: false });
});
after(async () => {
  await browser?.close();
  for (const server of servers) server.close();
});

/** What an async function in the page throws, as plain data. */
async function thrown(page, fn, ...args) {
  const result = await page.evaluate(
    async ([source, args]) => {
      const { OctomaskError } = await import('/octomask/index.js');
      try {
        await (0, eval)(`(${source})`)(...args);
        return { nothing: true };
      } catch (e) {
        const { name, message, code, op, opIndex } = e;
        return { ours: e instanceof OctomaskError && e instanceof Error, name, message, code, op, opIndex };
      }
    },
    [fn.toString(), args],
  );
  assert.ok(!result.nothing, 'nothing was thrown');
  assert.ok(result.ours, `not an OctomaskError: ${result.name}: ${result.message}`);
  // One line that a person can read.
  assert.match(result.message, /^[^\n]{15,400}$/);
  assert.doesNotMatch(result.message, /undefined|\[object|unreachable|RuntimeError/);
  return result;
}

/** Loads a fixture by URL. */
const load = async (url, options) => {
  const { loadModel } = await import('/octomask/index.js');
  await loadModel(url, options);
};

test('importing touches no globals and starts no worker', async () => {
  const { added, workers } = await isolated.evaluate(async () => {
    const before = new Set(Object.getOwnPropertyNames(globalThis));
    let workers = 0;
    const Real = Worker;
    globalThis.Worker = class extends Real {
      constructor(...args) {
        super(...args);
        workers++;
      }
    };
    await import('/octomask/index.js?fresh');
    globalThis.Worker = Real;
    return { added: Object.getOwnPropertyNames(globalThis).filter((n) => !before.has(n)), workers };
  });
  assert.deepEqual(added, []);
  assert.equal(workers, 0);
});

test('a model is loaded from an address, a buffer, a part of a buffer, a blob', async () => {
  const results = await isolated.evaluate(async () => {
    const { loadModel } = await import('/octomask/index.js');
    const bytes = await (await fetch('/fixtures/tiny.tflite')).arrayBuffer();
    const wider = new Uint8Array(bytes.byteLength + 24);
    wider.set(new Uint8Array(bytes), 8);
    const sources = [
      '/fixtures/tiny.tflite',
      new URL('/fixtures/tiny.tflite', location.href),
      bytes,
      wider.subarray(8, 8 + bytes.byteLength),
      new Blob([bytes]),
    ];
    const results = [];
    for (const source of sources) {
      const model = await loadModel(source, { threads: 1 });
      const input = new Float32Array(8 * 8 * 3).fill(10);
      const [output] = await model.run([input]);
      results.push([[...output.slice(0, 4)], input.length, model.inputs[0].shape, model.inputs[0].dtype]);
      model.dispose();
    }
    return { results, kept: bytes.byteLength };
  });
  assert.equal(results.results.length, 5);
  for (const result of results.results) assert.deepEqual(result, [[11, 12, 13, 11], 192, [1, 8, 8, 3], 'float32']);
  assert.equal(results.kept > 0, true, "the caller's buffer was taken away");
});

test('quantized inputs and outputs keep their types, and say how they stand for numbers', async () => {
  const { inputs, outputs, result } = await isolated.evaluate(async () => {
    const { loadModel } = await import('/octomask/index.js');
    const model = await loadModel('/fixtures/tiny-int8.tflite', { threads: 1 });
    const [output] = await model.run([new Int8Array(8 * 8 * 3).fill(17)]);
    const result = [output.constructor.name, ...output.slice(0, 3)];
    return { inputs: model.inputs, outputs: model.outputs, result };
  });
  const [shape, dtype] = [[1, 8, 8, 3], 'int8'];
  const quantization = (scale, zeroPoint) => ({ scale: [scale], zeroPoint: [zeroPoint], axis: 0 });
  assert.deepEqual(inputs, [{ name: 'input0', shape, dtype, quantization: quantization(0.5, -3) }]);
  assert.deepEqual(outputs, [{ name: 'result', shape, dtype, quantization: quantization(1, 4) }]);
  // 17 stands for 10; 11, 12 and 13 are stored as 15, 16 and 17.
  assert.deepEqual(result, ['Int8Array', 15, 16, 17]);
});

test('the page is told which build runs, and why', async () => {
  const read = async () => {
    const { loadModel, packagedModel } = await import('/octomask/index.js');
    const model = await loadModel(packagedModel('selfie'));
    const { inputs, outputs, runtime } = model;
    model.dispose();
    return { inputs, outputs, runtime };
  };
  const here = await isolated.evaluate(read);
  assert.equal(here.runtime.build, 'relaxed-threads');
  assert.ok(here.runtime.threads >= 2, `threads: ${here.runtime.threads}`);
  assert.ok(here.runtime.wasmBytes > 10_000 && here.runtime.memoryBytes > 1_000_000);
  assert.deepEqual(here.inputs[0].shape, [1, 256, 256, 3]);
  assert.deepEqual(here.outputs[0].shape, [1, 256, 256, 1]);
  const there = await plain.evaluate(read);
  assert.equal(there.runtime.build, 'relaxed');
  assert.equal(there.runtime.threads, 1);
  assert.match(there.runtime.reason, /isolat/i);
});

test('every kind of frame is masked as TFLite masks it, isolated or not', async () => {
  for (const page of [isolated, plain]) {
    const results = await page.evaluate(async () => {
      const { createSegmenter } = await import('/octomask/index.js');
      const { expectedMask, iou, pictureData, pictureElement } = await import('/in-page/masks.mjs');
      const image = await pictureElement();
      const data = await pictureData();
      const canvas = document.createElement('canvas');
      const offscreen = new OffscreenCanvas(data.width, data.height);
      for (const c of [canvas, offscreen]) {
        [c.width, c.height] = [data.width, data.height];
        c.getContext('2d').drawImage(image, 0, 0);
      }
      const video = document.createElement('video');
      video.muted = true;
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 } } });
      await video.play();
      const frames = {
        'image element': image,
        ImageData: data,
        ImageBitmap: await createImageBitmap(image),
        'canvas element': canvas,
        OffscreenCanvas: offscreen,
        VideoFrame: new VideoFrame(offscreen, { timestamp: 0 }),
        'video element': video,
      };
      const segmenter = await createSegmenter();
      const results = [];
      for (const [kind, frame] of Object.entries(frames)) {
        // Of a picture in between, nothing may be left in the next frame.
        await segmenter.segment(new ImageData(64, 64));
        const mask = await segmenter.segment(frame);
        const want = await expectedMask(kind === 'video element' ? 'camera' : 'picture', mask.width, mask.height);
        results.push({ kind, iou: iou(mask.data, want), timings: mask.timings, length: mask.data.length });
        // The caller's frame is still the caller's.
        if ([frame.videoWidth, frame.displayWidth, frame.naturalWidth, frame.width].find((w) => w !== undefined) !== 640) throw new Error(`${kind} was taken away`);
      }
      frames.VideoFrame.close();
      for (const track of video.srcObject.getTracks()) track.stop();
      segmenter.dispose();
      return results;
    });
    assert.equal(results.length, 7);
    for (const { kind, iou, timings, length } of results) {
      assert.ok(iou >= 0.98, `${kind}: IoU ${iou}`);
      assert.equal(length, 256 * 256);
      for (const stage of ['capture', 'resize', 'infer', 'mask', 'total']) {
        assert.ok(timings[stage] >= 0, `${kind}: ${stage} ${timings[stage]}`);
      }
      assert.ok(timings.infer > 0 && timings.total >= timings.infer, JSON.stringify(timings));
    }
  }
});

test('video frames of every format are masked as what the browser draws of them', async () => {
  for (const page of [isolated, plain]) {
    const results = await page.evaluate(async () => {
      const { createSegmenter } = await import('/octomask/index.js');
      const { videoFrameMasks } = await import('/in-page/masks.mjs');
      return videoFrameMasks(createSegmenter);
    });
    assert.ok(results.length >= 16, results.map((r) => r.kind).join());
    for (const { kind, iou, mean, person } of results) {
      assert.ok(person > 0.2 || kind.includes('side'), `${kind}: the person covers ${person}`);
      // On its side, the network sees next to nothing.
      assert.ok(iou >= 0.98 || kind.includes('side'), `${kind}: IoU ${iou}`);
      assert.ok(mean <= 1, `${kind}: off by ${mean} of 255`);
    }
  }
});

test('int8 networks with scores or probabilities of classes give the mask that TFLite gives', async () => {
  const networks = [['mobilenetv3_lraspp', 64, 96], ['multiclass_selfie', 64, 64]];
  const differences = await isolated.evaluate(async (networks) => {
    const { createSegmenter } = await import('/octomask/index.js');
    const bytes = async (file) => new Uint8Array(await (await fetch(`/fixtures/${file}`)).arrayBuffer());
    const differences = [];
    for (const [name, width, height] of networks) {
      const rgba = new Uint8ClampedArray(await bytes(`${name}.rgba`));
      const want = await bytes(`${name}.u8`);
      const segmenter = await createSegmenter({ model: `/fixtures/${name}.tflite` });
      const mask = await segmenter.segment(new ImageData(rgba, width, height));
      differences.push({
        name,
        dtype: segmenter.model.inputs[0].dtype,
        same: mask.width === width && mask.data.length === want.length,
        most: mask.data.reduce((most, v, i) => Math.max(most, Math.abs(v - want[i])), 0),
        spread: Math.max(...want) - Math.min(...want),
      });
      segmenter.dispose();
    }
    return differences;
  }, networks);
  for (const { name, dtype, same, most, spread } of differences) {
    assert.equal(dtype, 'int8');
    assert.ok(same, `${name}: another size`);
    assert.ok(spread > 100, `${name}: a mask of one colour shows nothing`);
    // Two steps of a result, at the steepest place of the softmax.
    assert.ok(most <= 4, `${name}: off by ${most} of 255`);
  }
});

test('the input size is changed, and a refused one leaves the model as it was', async () => {
  const result = await isolated.evaluate(async () => {
    const { createSegmenter } = await import('/octomask/index.js');
    const { pictureData } = await import('/in-page/masks.mjs');
    const segmenter = await createSegmenter({ inputSize: [192, 192] });
    const picture = await pictureData();
    const shapes = [segmenter.model.inputs[0].shape];
    const sides = [(await segmenter.segment(picture)).width];
    await segmenter.model.resize(128, 160);
    shapes.push(segmenter.model.inputs[0].shape);
    const errors = [];
    for (const size of [[100, 100], [0, 8], [-8, 8], [8.5, 16], [NaN, 16], [1 << 20, 1 << 20], [128]]) {
      errors.push(await segmenter.model.resize(...size).then(() => 'no error', (e) => [e.code, e.message]));
    }
    shapes.push(segmenter.model.inputs[0].shape);
    const mask = await segmenter.segment(picture);
    sides.push(mask.width, mask.height);
    const share = mask.data.filter((v) => v >= 128).length / mask.data.length;
    segmenter.dispose();
    return { shapes, sides, errors, share };
  });
  assert.deepEqual(result.shapes, [[1, 192, 192, 3], [1, 128, 160, 3], [1, 128, 160, 3]]);
  assert.deepEqual(result.sides, [192, 160, 128]);
  for (const [code, message] of result.errors) {
    assert.ok(['bad-input', 'limit'].includes(code), `${code}: ${message}`);
  }
  assert.match(result.errors[0][1], /8/);
  assert.ok(result.share > 0.3 && result.share < 0.5, `the person covers ${result.share}`);
});

/** A profile of the selfie model, with `described`: how many layers the model says it has. */
async function profileOf(page, threads) {
  // A second thread that other programs keep from running leaves all work to the first: the next run may be shared.
  for (let tries = 10; ; tries--) {
    const profile = await page.evaluate(async (threads) => {
      const { loadModel, packagedModel } = await import('/octomask/index.js');
      const model = await loadModel(packagedModel('selfie'), { threads });
      const profile = await model.profile({ runs: 60, warmup: 5 });
      const layers = await model.layers();
      model.dispose();
      return { ...profile, described: layers.length };
    }, threads);
    if (sharedSteps(profile).length > 0 || threads === 1 || tries === 1) return profile;
  }
}

/** How many milliseconds each thread began each step after the first thread, where both worked on it. */
function sharedSteps({ timeline }) {
  const first = new Map(timeline.filter((p) => p.thread === 0).map((p) => [p.step, p.startMs]));
  return timeline.filter((p) => p.thread > 0 && p.step > 0 && first.has(p.step)).map((p) => p.startMs - first.get(p.step));
}

test('a profile has a time for every layer, and they add up', async () => {
  // A page that is not isolated has a clock with steps of 0.1 ms.
  for (const [page, threads, method] of [[isolated, 2, 'single'], [isolated, 1, 'single'], [plain, 1, 'repeated']]) {
    const profile = await profileOf(page, threads);
    assert.equal(profile.runs, 60);
    assert.equal(profile.warmup, 5);
    assert.equal(profile.layers.length, profile.described);
    assert.ok(profile.layers.length > 50, `${profile.layers.length} layers`);
    const sum = profile.layers.reduce((total, l) => total + l.ms.mean, 0);
    assert.ok(Math.abs(sum / profile.totalMs.mean - 1) <= 0.05, `layers ${sum} ms, runs ${profile.totalMs.mean} ms`);
    const share = profile.layers.reduce((total, l) => total + l.share, 0);
    assert.ok(Math.abs(share - 1) < 0.06, `shares add up to ${share}`);
    const byType = profile.byType.reduce((total, t) => total + t.count, 0);
    assert.equal(byType, profile.layers.length);
    for (const s of [profile.totalMs, profile.warmupMs, ...profile.layers.map((l) => l.ms)]) {
      assert.ok(s.min <= s.median && s.median <= s.p95 && s.p95 <= s.max && s.min <= s.first && s.first <= s.max, JSON.stringify(s));
    }
    const covered = profile.layers.flatMap((l) => l.fused);
    assert.equal(new Set(covered).size, covered.length, 'an operator is covered twice');
    const { op, name, inputShapes, outputShape, kernel, macs, bytes } = profile.layers[0];
    assert.equal(op, 'CONV_2D');
    assert.ok(name && kernel && bytes > 0);
    assert.deepEqual(inputShapes[0], [1, 256, 256, 3]);
    assert.deepEqual(outputShape, [1, 128, 128, 16]);
    assert.equal(macs, 128 * 128 * 16 * 27);
    assert.ok(profile.arenaBytes > 0 && profile.weightBytes > 0 && profile.loadBytes > 0);
    const repetitions = [profile.repetitions, ...profile.layers.map((l) => l.repetitions)];
    assert.deepEqual([profile.threads, profile.method], [threads, method]);
    assert.equal(repetitions.every((n) => n === 1), method === 'single', `${repetitions}`);
    const slow = profile.layers.filter((l) => l.ms.median > 0.02);
    assert.ok(slow.every((l) => l.limitShare > 0.01 && l.gbps > 0 && ['compute', 'memory'].includes(l.bound)));
    checkTimeline(profile);
  }
});

/** Every step is there, each thread has one part at a time, and all go by one clock. */
function checkTimeline(profile) {
  const { timeline, threads, layers, totalMs } = profile;
  assert.deepEqual([...new Set(timeline.map((p) => p.step))].sort((a, b) => a - b), layers.map((_, step) => step));
  for (let thread = 0; thread < threads; thread++) {
    const parts = timeline.filter((p) => p.thread === thread);
    assert.ok(parts.length > 0, `thread ${thread} did nothing`);
    for (const [i, { startMs, endMs }] of parts.entries()) {
      assert.ok(startMs <= endMs && endMs <= totalMs.max * 1.01 + 0.1, JSON.stringify(parts[i]));
      assert.ok(i === 0 || parts[i - 1].endMs <= startMs, JSON.stringify(parts.slice(i - 1, i + 1)));
    }
  }
  if (threads === 1) return;
  // Threads begin a step together: clocks of workers that count from different beginnings would be far apart.
  const apart = sharedSteps(profile).sort((a, b) => a - b);
  const median = apart[apart.length >> 1];
  assert.ok(Math.abs(median) < 3, `threads begin ${median} ms apart: ${apart}`);
}

test('layer times of a frame add up to its infer time', async () => {
  const frames = await isolated.evaluate(async () => {
    const { createSegmenter } = await import('/octomask/index.js');
    const { pictureData } = await import('/in-page/masks.mjs');
    const segmenter = await createSegmenter({ layerTimes: true });
    const picture = await pictureData();
    const frames = [];
    for (let i = 0; i < 60; i++) {
      const { layers, timings } = await segmenter.segment(picture);
      frames.push([layers.reduce((a, b) => a + b, 0), timings.infer]);
    }
    segmenter.dispose();
    return frames;
  });
  const sums = [0, 1].map((i) => frames.reduce((total, f) => total + f[i], 0));
  assert.ok(Math.abs(sums[0] / sums[1] - 1) <= 0.05, `layers ${sums[0]} ms, infer ${sums[1]} ms`);
});

test('frames and their layers are tracks in the performance panel', async () => {
  // What the panel records of marks and measures, in every process.
  await browser.startTracing(isolated, { categories: ['blink.user_timing'] });
  const names = await isolated.evaluate(async () => {
    const { createSegmenter } = await import('/octomask/index.js');
    const { pictureData } = await import('/in-page/masks.mjs');
    const segmenter = await createSegmenter({ devtools: true });
    const picture = await pictureData();
    for (let i = 0; i < 3; i++) await segmenter.segment(picture);
    const names = (await segmenter.model.layers()).map(({ index, op }) => `${index} ${op}`);
    segmenter.devtools = false;
    await segmenter.segment(picture);
    segmenter.dispose();
    return names;
  });
  const { traceEvents } = JSON.parse(await browser.stopTracing());
  // A measure begins (b) and ends (e), or is one moment by the browser's clock (n).
  const begun = traceEvents.filter((e) => 'bn'.includes(e.ph) && e.args?.detail?.includes('"trackGroup":"Octomask"'));
  const end = ({ ph, name, ts }) => (ph === 'n' ? ts : Math.min(...traceEvents.filter((e) => e.ph === 'e' && e.name === name && e.ts >= ts).map((e) => e.ts)));
  const of = (track) => begun.map((e) => ({ ...e, about: JSON.parse(e.args.detail).devtools })).filter((e) => e.about.track === track);
  // Events come in any order.
  const sorted = (list) => list.toSorted();
  assert.deepEqual(sorted(of('Frame').map((e) => e.name)), sorted(Array(3).fill(['capture', 'resize', 'infer', 'mask']).flat()));
  const layers = of('Layers');
  assert.deepEqual(sorted(layers.map((e) => e.name)), sorted(Array(3).fill(names).flat()));
  assert.ok(layers.every((e) => e.about.dataType === 'track-entry' && e.about.properties.some(([key]) => key === 'Kernel')));
  // In µs; each layer within a stage that runs layers.
  const infers = of('Frame').filter((e) => e.name === 'infer').map((e) => [e.ts - 20, end(e) + 20]);
  for (const e of layers) {
    const [from, to] = [e.ts, end(e)];
    assert.ok(to >= from && infers.some(([start, end]) => from >= start && to <= end), `${e.name}: ${from} to ${to}, in none of ${infers}`);
  }
});

test('memory stays what it was after the first frames', async () => {
  const [early, late] = await isolated.evaluate(async () => {
    const { createSegmenter } = await import('/octomask/index.js');
    const { pictureData } = await import('/in-page/masks.mjs');
    const segmenter = await createSegmenter();
    const picture = await pictureData();
    for (let i = 0; i < 5; i++) await segmenter.segment(picture);
    const early = segmenter.model.runtime.memoryBytes;
    for (let i = 0; i < 200; i++) await segmenter.segment(picture);
    const late = segmenter.model.runtime.memoryBytes;
    segmenter.dispose();
    return [early, late];
  });
  assert.equal(late, early);
});

test('smoothing keeps something of the last frame where the model is unsure; switched off, nothing', async () => {
  const [smooth, hard] = await isolated.evaluate(async () => {
    const { createSegmenter } = await import('/octomask/index.js');
    const { pictureData, pictureElement } = await import('/in-page/masks.mjs');
    const picture = await pictureData();
    // The same person a little to the right: its edge, where the model is unsure, lies elsewhere.
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    canvas.getContext('2d').drawImage(await pictureElement(), 12, 0);
    const alone = await createSegmenter({ smoothing: false });
    const want = (await alone.segment(canvas)).data;
    alone.dispose();
    const results = [];
    for (const smoothing of [1, false]) {
      const segmenter = await createSegmenter({ smoothing });
      await segmenter.segment(picture);
      const { data } = await segmenter.segment(canvas);
      results.push(data.reduce((worst, v, i) => Math.max(worst, Math.abs(v - want[i])), 0));
      segmenter.dispose();
    }
    return results;
  });
  assert.equal(hard, 0, 'without smoothing, the last frame shows');
  assert.ok(smooth > 20, `smoothing changes the mask by ${smooth} of 255 at most`);
});

test('two models at once do not disturb each other', async () => {
  const scores = await isolated.evaluate(async () => {
    const { createSegmenter, packagedModel } = await import('/octomask/index.js');
    const { expectedMask, iou, pictureData } = await import('/in-page/masks.mjs');
    const picture = await pictureData();
    const [a, b] = await Promise.all([
      createSegmenter({ threads: 2 }),
      createSegmenter({ model: packagedModel('selfie-landscape'), threads: 1 }),
    ]);
    const want = await expectedMask('picture', 256, 256);
    const masks = await Promise.all([a, b, a, b, a].map((s) => s.segment(picture)));
    a.dispose();
    b.dispose();
    return [masks.map((m) => [m.width, m.height]), masks.filter((m) => m.height === 256).map((m) => iou(m.data, want))];
  });
  assert.deepEqual(scores[0], [[256, 256], [256, 144], [256, 256], [256, 144], [256, 256]]);
  for (const score of scores[1]) assert.ok(score >= 0.98, `IoU ${score}`);
});

test('files that are no models, damaged ones, unsupported ones', async () => {
  for (const file of ['not-a-model', 'truncated', 'corrupted']) {
    assert.equal((await thrown(isolated, load, `/fixtures/${file}.tflite`)).code, 'malformed-model', file);
  }
  const unsupported = await thrown(isolated, load, '/fixtures/unsupported.tflite');
  assert.equal(unsupported.code, 'unsupported-model');
  assert.equal(unsupported.op, 'NobodyKnowsThis');
  assert.equal(unsupported.opIndex, 1);
  assert.match(unsupported.message, /NobodyKnowsThis/);
});

test('models that cannot be fetched', async () => {
  const missing = await thrown(isolated, load, '/fixtures/missing.tflite');
  assert.equal(missing.code, 'fetch-failed');
  assert.match(missing.message, /missing\.tflite/);
  assert.match(missing.message, /404/);
  assert.equal((await thrown(isolated, load, '/start-page.tflite')).code, 'fetch-failed');
  assert.equal((await thrown(isolated, load, 'http://localhost:1/a.tflite')).code, 'fetch-failed');
  assert.equal((await thrown(isolated, load, 5)).code, 'bad-input');
});

test('inputs of the wrong number, length or type; and the next run works', async () => {
  const wrong = async (inputs) => {
    const { loadModel } = await import('/octomask/index.js');
    const model = (globalThis.tiny ??= await loadModel('/fixtures/tiny.tflite', { threads: 1 }));
    const make = { f: (n) => new Float32Array(n), u: (n) => new Uint8Array(n), a: (n) => Array(n).fill(0) };
    await model.run(inputs.map(([kind, n]) => make[kind](n)));
  };
  for (const inputs of [[], [['f', 191]], [['f', 193]], [['u', 192]], [['a', 192]], [['f', 192], ['f', 192]]]) {
    assert.equal((await thrown(isolated, wrong, inputs)).code, 'bad-input', JSON.stringify(inputs));
  }
  const first = await isolated.evaluate(async () => (await globalThis.tiny.run([new Float32Array(192)]))[0][0]);
  assert.equal(first, 1);
});

test('frames that cannot be segmented; and the next one works', async () => {
  const wrong = async (kind) => {
    const { createSegmenter } = await import('/octomask/index.js');
    const segmenter = (globalThis.segmenter ??= await createSegmenter());
    const canvas = document.createElement('canvas');
    canvas.width = 0;
    const frames = { canvas, video: document.createElement('video'), image: new Image(), nothing: undefined, text: 'frame' };
    await segmenter.segment(frames[kind]);
  };
  for (const kind of ['canvas', 'video', 'image', 'nothing', 'text']) {
    assert.equal((await thrown(isolated, wrong, kind)).code, 'bad-input', kind);
  }
  const width = await isolated.evaluate(async () => (await globalThis.segmenter.segment(new ImageData(1, 1))).width);
  assert.equal(width, 256);
});

test('options that make no sense', async () => {
  for (const options of [{ threads: 0 }, { threads: 1.5 }, { threads: 'many' }, { build: 'fast' }, { inputSize: [100, 100] }, { inputSize: [0, 0] }]) {
    const error = await thrown(isolated, load, '/octomask/models/selfie_segmentation.tflite', options);
    assert.equal(error.code, 'bad-input', JSON.stringify(options));
  }
  const threads = await thrown(plain, load, '/fixtures/tiny.tflite', { build: 'simd-threads' });
  assert.equal(threads.code, 'unsupported-build');
  assert.match(threads.message, /isolat/i);
});

test('assets that point to nowhere', async () => {
  const error = await thrown(isolated, load, '/fixtures/tiny.tflite', { assets: '/nowhere/' });
  assert.equal(error.code, 'fetch-failed');
  assert.match(error.message, /nowhere/);
  // And to a copy of the folder.
  const build = await isolated.evaluate(async () => {
    const { loadModel } = await import('/octomask/index.js');
    const model = await loadModel('/fixtures/tiny.tflite', { assets: '/octomask/wasm' });
    return model.runtime.build;
  });
  assert.equal(build, 'relaxed-threads');
});

test('a worker that does not start', async () => {
  const page = await pageOf({ missing: ['/octomask/worker.js'] });
  const error = await thrown(page, load, '/fixtures/tiny.tflite');
  assert.equal(error.code, 'worker-failed');
});

test('a thread pool that does not start gives way to one thread, and says so', async () => {
  // The pool's workers come from blob: addresses, which this policy forbids.
  const page = await pageOf({ csp: "worker-src 'self'" });
  const { runtime, share } = await page.evaluate(async () => {
    const { createSegmenter } = await import('/octomask/index.js');
    const { pictureData } = await import('/in-page/masks.mjs');
    const segmenter = await createSegmenter({ threads: 2 });
    const mask = await segmenter.segment(await pictureData());
    return { runtime: segmenter.model.runtime, share: mask.data.filter((v) => v >= 128).length / mask.data.length };
  });
  assert.equal(runtime.threads, 1);
  assert.equal(runtime.build, 'relaxed');
  assert.match(runtime.reason, /pool/);
  assert.ok(share > 0.3 && share < 0.5);
});

test('a browser without WebAssembly SIMD, and one without relaxed SIMD', async () => {
  const page = await pageOf({});
  const stubbed = async (what) => {
    const real = WebAssembly.validate;
    // wasm-feature-detect asks by validating tiny modules; this is the relaxed opcode in one.
    const relaxed = (bytes) => bytes.join().includes('253,128,2');
    WebAssembly.validate = (bytes) => (what === 'simd' || relaxed(bytes) ? false : real.call(WebAssembly, bytes));
    try {
      const { loadModel } = await import('/octomask/index.js');
      const model = await loadModel('/fixtures/tiny.tflite');
      model.dispose();
      return model.runtime.build;
    } finally {
      WebAssembly.validate = real;
    }
  };
  assert.equal((await thrown(page, stubbed, 'simd')).code, 'no-simd');
  assert.equal(await page.evaluate(stubbed, 'relaxed'), 'simd-threads');
});

test('a disposed model answers nothing, also what was asked before', async () => {
  const run = async (order) => {
    const { loadModel } = await import('/octomask/index.js');
    const model = await loadModel('/fixtures/tiny.tflite');
    if (order === 'after') model.dispose();
    const call = model.run([new Float32Array(192)]);
    model.dispose();
    model.dispose();
    await call;
  };
  for (const order of ['after', 'before']) assert.equal((await thrown(isolated, run, order)).code, 'disposed', order);
  const segment = async () => {
    const { createSegmenter } = await import('/octomask/index.js');
    const segmenter = await createSegmenter();
    segmenter.dispose();
    await segmenter.segment(new ImageData(8, 8));
  };
  assert.equal((await thrown(isolated, segment)).code, 'disposed');
});

test('loading is given up when the caller says so', async () => {
  const abort = async (when) => {
    const { loadModel } = await import('/octomask/index.js');
    const controller = new AbortController();
    if (when === 'before') controller.abort();
    const loading = loadModel('/octomask/models/selfie_segmentation.tflite', { signal: controller.signal });
    controller.abort();
    await loading;
  };
  for (const when of ['before', 'during']) assert.equal((await thrown(isolated, abort, when)).code, 'aborted', when);
});

test('nothing went wrong unseen in these pages', () => {
  // Resources that a test asked for in vain are logged by the browser itself.
  const expected = /Failed to load resource|Content Security Policy|ERR_|blocked/;
  for (const page of [isolated, plain]) {
    assert.deepEqual(page.problems.filter((p) => !expected.test(p)), []);
  }
});
