/**
 * Runs in an iframe: one contender, alone in its realm, so that globals do not meet and closing the
 * frame frees its memory. A contender is a module with
 *
 *     open({model, shape, input, threads, build, ...}) -> {run(), output(), about?, measure?(ms)}
 *
 * `run` invokes the network once, `output` gives the result of the last or one more run.
 */

import { summary, timesFor } from './timing.mjs';

let contender;

globalThis.host = {
  async open(options) {
    const { open } = await import(`./contenders/${options.runtime}.mjs`);
    // A typed array of this realm: peers ask for the class.
    const own = options.input && Float32Array.from(options.input);
    contender = await open({ ...options, input: own });
    return contender.about ?? {};
  },

  async measure(ms) {
    if (contender.measure) return contender.measure(ms);
    return { invoke: summary(await timesFor(() => contender.run(), ms)) };
  },

  output: () => contender.output(),

  details: () => contender.details?.() ?? null,

  async close() {
    await contender?.close?.();
    contender = undefined;
  },
};

/** Classic scripts, for peers that are no modules. */
export async function loadScript(src) {
  const script = document.createElement('script');
  script.src = src;
  await new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${src} could not be loaded`));
    document.head.append(script);
  });
}
