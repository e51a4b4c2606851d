/**
 * The page as a model designer uses it, in Chromium, Firefox and WebKitGTK: a dropped model is profiled, advised and swept, the
 * profile is saved and read by other readers, and the blocks of the lab are models that TFLite runs.
 */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launch } from './chromium.mjs';
import { serveDemo } from './page.mjs';
import { FIXTURES, at, run } from './tools.mjs';
import { firefox, webkit } from './webdriver.mjs';

/** Chromium behind the same few calls as the others. */
async function chromium() {
  const browser = await launch({ camera: 'none' });
  const page = await browser.newPage();
  page.setDefaultTimeout(120_000);
  return {
    open: (url) => page.goto(url),
    evaluate: (f, ...args) => page.evaluate(([source, args]) => (0, eval)(`(${source})`)(...args), [f.toString(), args]),
    async until(what, f, ...args) {
      const end = Date.now() + 60_000;
      for (;;) {
        const value = await this.evaluate(f, ...args);
        if (value) return value;
        if (Date.now() > end) throw new Error(`waited 60 s for ${what}`);
        await new Promise((r) => setTimeout(r, 100));
      }
    },
    close: () => browser.close(),
  };
}

const BROWSERS = [['Chromium', chromium], ['Firefox', firefox], ['WebKitGTK', webkit]];
const MODEL = at('models/networks/multiclass_selfie/float32.tflite');
const READ = at('target/tests/workshop');

/** Drops a file on the page. */
async function drop(session, name, bytes, type) {
  await session.evaluate(async (name, text, type) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type }));
    document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: transfer }));
  }, name, bytes.toString('base64'), type);
}

/** The page keeps what it would save, as texts. */
async function catchDownloads() {
  const real = URL.createObjectURL;
  globalThis.saved = [];
  URL.createObjectURL = (blob) => {
    if (blob.type) blob.text().then((text) => globalThis.saved.push(text));
    return real.call(URL, blob);
  };
}

/** What Python's own readers make of saved profiles. */
function readInPython(folder) {
  return JSON.parse(run(at('target/venv/bin/python'), ['-c', `
import csv, json, sys
rows = list(csv.DictReader(open(sys.argv[1] + '/csv', newline='')))
trace = json.load(open(sys.argv[1] + '/trace'))
events = trace['traceEvents'] if isinstance(trace, dict) else trace
print(json.dumps({
    'layers': len(json.load(open(sys.argv[1] + '/json'))['layers']),
    'rows': len(rows),
    'columns': list(rows[0]),
    'events': len([e for e in events if e['ph'] == 'X']),
    'threads': len([e for e in events if e['ph'] == 'M' and e['name'] == 'thread_name']),
}))`, folder]));
}

/** Names of the files that TFLite cannot run, with the reason. */
function refusedByTflite(files) {
  return JSON.parse(run(at('target/venv/bin/python'), ['-c', `
import json, sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
refused = {}
for path in sys.argv[1:]:
    try:
        model = Interpreter(path)
        model.allocate_tensors()
        for t in model.get_input_details():
            model.set_tensor(t['index'], np.zeros(t['shape'], t['dtype']))
        model.invoke()
    except Exception as e:
        refused[path] = str(e)
print(json.dumps(refused))`, ...files], { stdio: ['ignore', 'pipe', 'ignore'] }));
}

let demo;
before(async () => {
  rmSync(READ, { recursive: true, force: true });
  demo = await serveDemo();
});
after(() => demo?.stop());

for (const [name, open] of BROWSERS) {
  describe(name, () => {
    let session;
    before(async () => {
      session = await open();
      await session.open(demo.url);
      await session.until('the page to be ready', async () => document.documentElement.dataset.state === 'ready');
    });
    after(async () => {
      await session?.close();
    });

    test('a dropped model runs on a dropped picture', async () => {
      await drop(session, 'multiclass.tflite', readFileSync(MODEL), '');
      await session.until('the model', async () => document.querySelector('#model').value === 'multiclass.tflite');
      await drop(session, 'picture.png', readFileSync(join(FIXTURES, 'picture.png')), 'image/png');
      await session.until('frames', async () => Number(document.querySelector('#canvas').dataset.frames) > 0);
      assert.equal(await session.evaluate(async () => document.querySelector('#error').hidden), true);
    });

    test('it is profiled, and the profile is saved for other programs', async () => {
      await session.evaluate(catchDownloads);
      await session.evaluate(async () => document.querySelector('#profile button').click());
      const rows = await session.until('the profile', async () => document.querySelectorAll('#profile [aria-label=Layers] tbody tr').length);
      assert.ok(rows > 10, `${rows} layers`);
      const points = await session.evaluate(async () => document.querySelectorAll('#profile svg circle').length);
      assert.ok(points > 5 && points <= rows, `${points} points in the roofline of ${rows} layers`);
      const folder = join(READ, name);
      mkdirSync(folder, { recursive: true });
      for (const format of ['text', 'csv', 'json', 'trace']) {
        const text = await session.evaluate(async (format) => {
          globalThis.saved.length = 0;
          document.querySelector(`[data-format=${format}]`).click();
          for (let i = 0; i < 200 && globalThis.saved.length === 0; i++) await new Promise((r) => setTimeout(r, 50));
          return globalThis.saved[0];
        }, format);
        writeFileSync(join(folder, format), text);
      }
      const read = readInPython(folder);
      assert.equal(read.layers, rows);
      assert.equal(read.rows, rows);
      assert.ok(read.events >= rows && read.threads >= 1, JSON.stringify(read));
      const text = readFileSync(join(folder, 'text'), 'utf8');
      for (const section of ['Run Order', 'Top by Computation Time', 'Summary by node type', 'Timings']) {
        assert.match(text, new RegExp(section, 'i'));
      }
    });

    test('the table is sorted by its headings', async () => {
      const times = await session.evaluate(async () => {
        const table = document.querySelector('#profile [aria-label=Layers] table');
        const at = [...table.querySelectorAll('th')].findIndex((th) => th.textContent === 'ms');
        table.querySelectorAll('th button')[at].click();
        return [...table.querySelectorAll('tbody tr')].map((row) => Number(row.cells[at].textContent));
      });
      assert.deepEqual(times, times.toSorted((a, b) => b - a));
    });

    test('two profiles stand side by side', async () => {
      await session.evaluate(async () => {
        const [measure, keep] = document.querySelectorAll('#profile button');
        keep.click();
        measure.click();
      });
      const rows = await session.until('the comparison', async () => document.querySelectorAll('#profile .compared tbody tr').length);
      assert.ok(rows > 10, `${rows} rows`);
    });

    test('advice has gains that were measured, or there is none', async () => {
      await session.evaluate(async () => {
        const bar = document.querySelector('#advice progress');
        const told = (globalThis.told = []);
        new MutationObserver(() => told.push(bar.value)).observe(bar, { attributes: true, attributeFilter: ['value'] });
        document.querySelector('#advice button').click();
      });
      const found = await session.until('advice', async () => {
        if (document.querySelector('#advice button').disabled) return undefined;
        return { said: document.querySelector('#advice [role=status]').textContent, gains: [...document.querySelectorAll('#advice .gain')].map((g) => g.textContent), told, hidden: document.querySelector('#advice progress').hidden };
      });
      assert.ok(found.told.length > 2 && found.told.at(-1) === 1, `the bar stood at ${found.told}`);
      assert.deepEqual(found.told, found.told.toSorted((a, b) => a - b));
      assert.ok(found.hidden);
      assert.match(found.said, /what gains|nothing to gain/);
      for (const gain of found.gains) assert.match(gain, /→ [\d.]+ ms \(−\d+ %\)|−[\d.]+ [KM]iB/);
      assert.equal(found.gains.length > 0, /what gains/.test(found.said));
    });

    test('it is swept over input sizes: times and masks', async () => {
      await session.evaluate(async () => document.querySelector('#sweep').click());
      const rows = await session.until('the sweep', async () => {
        if (document.querySelector('#sweep').textContent !== 'Sweep' || document.querySelector('#sweep-result').hidden) return undefined;
        return [...document.querySelectorAll('#sweep-table tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent));
      });
      assert.ok(rows.length >= 3, JSON.stringify(rows));
      for (const [size, ms, , , iou] of rows) {
        const [height, width] = size.split(' × ').map(Number);
        assert.ok(height % 8 === 0 && width % 8 === 0 && Number(ms) > 0 && Number(iou) >= 0 && Number(iou) <= 1, JSON.stringify(rows));
      }
      assert.equal(await session.evaluate(async () => document.querySelectorAll('#sweep-plots figure > svg').length), 2);
    });

    test('the lab builds blocks that TFLite runs, and times them', async () => {
      await session.open(`${demo.url}lab.html`);
      await session.until('the lab', async () => document.documentElement.dataset.state === 'ready');
      const folder = join(READ, name, 'lab');
      mkdirSync(folder, { recursive: true });
      const files = [];
      for (const [experiment, form] of [['separable', 'float32'], ['shufflenet', 'int8'], ['forms', 'float32']]) {
        await session.evaluate(async (experiment, form) => {
          const set = (id, value) => {
            document.getElementById(id).value = value;
            document.getElementById(id).dispatchEvent(new Event('change'));
          };
          set('experiment', experiment);
          set('size', '32');
          set('form', form);
          document.getElementById('result').replaceChildren();
          document.getElementById('run').click();
        }, experiment, form);
        const rows = await session.until('blocks', async () => document.querySelectorAll('#result tbody tr').length);
        assert.ok(rows >= 2, `${experiment}: ${rows} blocks`);
        const blocks = await session.evaluate(async () => Promise.all([...document.querySelectorAll('#result a[download]')].map(async (link) => {
          const bytes = new Uint8Array(await (await fetch(link.href)).arrayBuffer());
          return [link.download, btoa(String.fromCharCode(...bytes.subarray(0, 30000))), btoa(Array.from(bytes.subarray(30000), (b) => String.fromCharCode(b)).join(''))];
        })));
        for (const [file, start, rest] of blocks) {
          const path = join(folder, `${experiment}.${file}`);
          writeFileSync(path, Buffer.concat([Buffer.from(start, 'base64'), Buffer.from(rest, 'base64')]));
          files.push(path);
        }
      }
      assert.deepEqual(refusedByTflite(files), {});
    });
  });
}
