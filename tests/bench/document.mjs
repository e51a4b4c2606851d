/** The report of a run, and what of it the README shows. */

import { counts, figure, find, ours, ratio, stage } from './figures.mjs';
import { goals } from './goals.mjs';
import { failures, markdown, modelTable, nameOf, overview, reason } from './report.mjs';

const ms = (x) => x.toFixed(2);
const percent = (x) => `${Math.round(100 * x)} %`;

/** What others used of the processors before each model, in percent. */
const busy = (r) => r.models.map((m) => Math.round(100 * m.busy));

/** Where and with what a run was. */
export const circumstances = (r) => `${r.date} UTC, ${r.cpu}, ${r.cores} cores, of which other programs used ${Math.min(...busy(r))} to ${Math.max(...busy(r))} %; ${r.browser}; ${Object.entries(r.versions).map(([k, v]) => `${k} ${v}`).join(', ')}. ${r.rounds} rounds, in each every contender in turn for about ${r.ms} ms.`;

/** The least time of each model, and Octomask's share of it. */
function boundsTable({ models, cores }) {
  const rows = models.flatMap((model) => [1, cores].map((threads) => {
    const bound = model.bounds?.[threads];
    const us = ours(model.entries, threads);
    if (!bound || !counts(us)) return undefined;
    const { typical: taken } = figure(us);
    const cell = (least) => `${ms(least)} (${percent(least / taken)})`;
    return [model.title, threads, (bound.macs / 1e6).toFixed(0), cell(bound.unfused), cell(bound.fused), cell(bound.arithmetic), ms(taken)];
  })).filter(Boolean);
  return markdown(['', 'threads', 'million multiply-adds', 'least ms, step by step', 'fused', 'arithmetic alone', 'Octomask, ms'], rows);
}

/** How fast LiteRT.js leaves room to be: float32, one thread, everybody's best time, and the multiply-adds alone at the peak. */
function roomTable({ models }) {
  const rows = models.filter((m) => m.form === 'float32').map((model) => {
    const bound = model.bounds?.[1];
    const [us, peer] = [ours(model.entries, 1), find(model.entries, { runtime: 'litert', threads: 1 })];
    if (!bound || !counts(us) || !counts(peer)) return undefined;
    const least = figure(peer).min;
    return [model.title, ms(bound.arithmetic), ms(figure(us).min), ms(least), `${(least / bound.arithmetic).toFixed(2)}x`];
  }).filter(Boolean);
  return markdown(['one thread, float32, best times', 'its multiply-adds at the peak, ms', 'Octomask, ms', 'LiteRT.js, ms', 'at the peak it would be'], rows);
}

function limitsTable(limits) {
  const names = Object.keys(limits);
  const row = (what, pick, digits = 1) => [what, ...names.map((n) => pick(limits[n]).toFixed(digits))];
  const size = (bytes) => (bytes < 1 << 20 ? `${bytes >> 10} KiB` : `${bytes >> 20} MiB`);
  const rows = [
    row('multiply-adds in registers, GFLOP/s', (l) => l.gflops),
    ...limits[names[0]].bandwidth.map((b, i) => row(`copying within ${size(b.bytes)}, GB/s`, (l) => l.bandwidth[i].gbps)),
    row('empty barrier, µs', (l) => l.barrierUs, 2),
    row('next piece of work on spinning threads, µs', (l) => l.handoverUs, 2),
    row('giving work to sleeping threads, µs', (l) => l.wakeUs, 1),
  ];
  return markdown(['', ...names.map((n) => n.replace(/ (\d+)$/, ', $1'))], rows);
}

function framesTable({ title, entries }) {
  const rows = entries.map((entry) => {
    if (!counts(entry)) return [nameOf(entry), entry.threads, '', '', '', '', reason(entry)];
    const { typical, p95 } = figure(entry);
    const stages = entry.rounds[0].stages ? ['capture', 'resize', 'infer', 'mask'].map((name) => ms(stage(entry, name))).join(' + ') : '';
    return [nameOf(entry), entry.threads, ms(typical), ms(p95), stages, entry.iou.toFixed(3), ''];
  });
  return `### ${title}\n\n${markdown(['', 'threads', 'ms', 'p95', 'capture + resize + infer + mask', 'IoU with TFLite', ''], rows)}\n`;
}

/** Everybody in another browser, one line for each model. */
export function otherTable({ name, date, agent, problem, models }) {
  if (models.length === 0) return `### ${name}\n\n${problem}\n`;
  const columns = models[0]?.entries ?? [];
  const rows = models.map((model) => [model.title, ...model.entries.map((e) => (counts(e) ? ms(figure(e).typical) : e.problem ? 'fails' : 'wrong'))]);
  return `### ${name}\n\n${date} UTC, ${agent}. Three rounds.\n\n${markdown(['ms', ...columns.map((e) => `${nameOf(e)}, ${e.threads}`)], rows)}\n\n${failures(models)}${problem ? `\n\nLeft out: ${problem}` : ''}\n`;
}

/** Ours in other browsers, and against LiteRT.js there. */
function othersOverview({ others, models, cores }) {
  const columns = others.filter((o) => o.models.length > 0).flatMap((o) => [1, cores]
    .filter((threads) => ours(o.models[0].entries, threads))
    .map((threads) => ({ title: `${o.name}, ${threads} thread${threads > 1 ? 's' : ''}`, o, threads })));
  if (columns.length === 0) return '';
  const cell = ({ o, threads }, name) => {
    const entries = o.models.find((m) => m.name === name)?.entries ?? [];
    const us = ours(entries, threads);
    const peer = find(entries, { runtime: 'litert', threads });
    if (!counts(us)) return us ? reason(us) : '';
    return `${ms(figure(us).typical)} ms${counts(peer) ? `, ${ratio(us, peer).toFixed(2)}x` : ''}`;
  };
  const rows = models.map((m) => [m.title, ...columns.map((c) => cell(c, m.name))]);
  return `Octomask in other browsers, and how many times as fast as LiteRT.js in the same one:

${markdown(['', ...columns.map((c) => c.title)], rows)}
`;
}

export function report(r) {
  return `# Octomask and its peers, side by side

![Milliseconds per run](bench.svg)

${circumstances(r)}

Invoke is the network alone, called again and again: of LiteRT.js, onnxruntime-web and tfjs-tflite in the page, without
reading the result; of Octomask in its worker. Figures and ratios are of runs that nothing disturbed, of each contender
alike: in each round those at most 10 % longer than its fastest twentieth, their median, and of the rounds those at most
10 % longer than the shortest, their median. In brackets are the least and the largest of the rounds' ratios of medians
of all runs. Every result was compared with TFLite's interpreter: the largest and the mean difference as shares of the
result's range.
Native TFLite is the interpreter with XNNPACK in Python, which may use wider vectors than a browser has.
onnxruntime-web runs what tf2onnx made of the same file, of the selfie models with TRANSPOSE_CONV for their custom operator.

## Goals

${goals(r)}

## Overview

${overview(r.models, r.cores)}

## What peers do wrong

${failures(r.models.concat(r.frames.map((f) => ({ ...f, name: f.title })))) || 'Nothing.'}

## Model by model

${r.models.map(modelTable).join('\n')}
## From a frame's pixels to the mask

${r.frames.map(framesTable).join('\n')}
A VideoFrame is as cameras give it, I420; MediaPipe gets a canvas. It draws with WebGL, here without a graphics card.

## In other browsers

${othersOverview(r)}
${r.others.map(otherTable).join('\n') || 'Not measured.'}
## The limits of this device in this browser

${limitsTable(r.limits)}

The least time of a model within them: step by step of the plan, the greater of its multiply-adds at the peak and of its
bytes at the bandwidth of a working set of that size; fused, only input, weights and result are touched. In brackets,
what share of Octomask's time that is.

${boundsTable(r)}
`;
}

/** For the README. */
export function summary(r) {
  return `
${circumstances(r)} Figures are of runs that nothing disturbed, of each
contender alike; [the whole report](tests/bench/results/bench.md) says which those are, and has
the spread of all runs, every build, and what each peer gets wrong.

${overview(r.models, r.cores)}

${othersOverview(r)}
What is to be reached, and what was:

${goals(r)}

${roomTable(r)}
`;
}
