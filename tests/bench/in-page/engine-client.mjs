/** Runs in the page: asks an engine worker. */

/** Starts a build, calls one function of `engine.mjs`, ends the worker. */
export async function ask(build, threads, what, ...args) {
  const worker = new Worker('/bench/engine.mjs', { type: 'module' });
  const call = (what, args) => new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => ('error' in data ? reject(new Error(data.error)) : resolve(data.result));
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage({ what, args });
  });
  try {
    await call('start', [build, threads]);
    return await call(what, args);
  } finally {
    worker.terminate();
  }
}
