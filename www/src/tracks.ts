/**
 * In the worker: stages and layers of a frame on tracks of their own in the performance panel of Chromium's developer
 * tools, as https://developer.chrome.com/docs/devtools/performance/extension describes. Elsewhere they are plain measures.
 */

import type { LayerInfo } from './types.ts';

const GROUP = 'Octomask';

/** One stretch of time, in ms of the worker's own clock. */
export interface Stretch {
  name: string;
  start: number;
  end: number;
}

/** Notes stages, and the layers one after another from `inferStart` on. */
export function showTracks(stages: Stretch[], layers: LayerInfo[], layerMs: Float64Array, inferStart: number): void {
  for (const { name, start, end } of stages) measure(name, start, end, 'Frame', 'primary', []);
  let at = inferStart;
  layers.forEach((layer, i) => {
    const end = at + (layerMs[i] ?? 0);
    const about: [string, string][] = [
      ['Operators', [layer.index, ...layer.fused].join(', ')],
      ['Kernel', layer.kernel],
      ['Output', layer.outputShape.join('×')],
      ['Multiply-adds', String(layer.macs)],
      ['Bytes', String(layer.bytes)],
    ];
    measure(`${layer.index} ${layer.op}`, at, end, 'Layers', layer.macs > 0 ? 'secondary' : 'tertiary', about);
    at = end;
  });
}

function measure(name: string, start: number, end: number, track: string, color: string, properties: [string, string][]): void {
  const devtools = { dataType: 'track-entry', trackGroup: GROUP, track, color, properties };
  performance.measure(name, { start, end, detail: { devtools } });
  // A recording has it by now; the page's own list of measures would grow for ever.
  performance.clearMeasures(name);
}
