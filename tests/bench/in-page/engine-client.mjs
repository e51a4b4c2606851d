/** Runs in the page: asks an engine worker. */

/** A worker with a build started: {call(what, ...args), close()}; `what` is a function of `engine.mjs`. */
export async function engine(build, threads) {
  const worker = new Worker('/bench/engine.mjs', { type: 'module' });
  const call = (what, ...args) => new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => ('error' in data ? reject(new Error(data.error)) : resolve(data.result));
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage({ what, args });
  });
  const close = () => worker.terminate();
  try {
    await call('start', build, threads);
  } catch (error) {
    close();
    throw error;
  }
  return { call, close };
}

/** Starts a build, calls one function, ends the worker. */
export async function ask(build, threads, what, ...args) {
  const { call, close } = await engine(build, threads);
  try {
    return await call(what, ...args);
  } finally {
    close();
  }
}
