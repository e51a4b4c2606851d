/** Requests and answers over a message port: ids, errors, explicit transfer lists, and how far a request is. */

import { type ErrorData, OctomaskError, isErrorData, messageOf } from './errors.ts';

/** What a set of requests looks like: `messages.ts` has ours. */
export type RequestMap<R> = { [K in keyof R]: { params: unknown; result: unknown } };

interface Request<R extends RequestMap<R>, K extends keyof R = keyof R> {
  id: number;
  method: K;
  params: R[K]['params'];
}

type Answer = { id: number; result: unknown } | { id: number; error: ErrorData } | { id: number; progress: number };

/** The part of `Worker` and of a worker's own global scope that is used here. */
export interface Port {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
}

/** Told how much is done: 0 to 1. */
export type Progress = (done: number) => void;

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  progress: Progress | undefined;
}

/** The asking side. */
export class Client<R extends RequestMap<R>> {
  readonly #port: Port;
  readonly #pending = new Map<number, Pending>();
  #nextId = 0;
  #closed: OctomaskError | undefined;

  constructor(port: Port) {
    this.#port = port;
    port.addEventListener('message', (event) => {
      const answer = event.data as Answer;
      const call = this.#pending.get(answer?.id);
      if (!call) return;
      if ('progress' in answer) return call.progress?.(answer.progress);
      this.#pending.delete(answer.id);
      if ('error' in answer) call.reject(new OctomaskError(answer.error.code, answer.error.message, answer.error));
      else call.resolve(answer.result);
    });
  }

  /** Asks; what is in `transfer` is gone from here afterwards. `progress` is told what the other side reports. */
  call<K extends keyof R>(
    method: K,
    params: R[K]['params'],
    transfer: Transferable[] = [],
    progress?: Progress,
  ): Promise<R[K]['result']> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw this.#closed;
      const id = this.#nextId++;
      try {
        this.#port.postMessage({ id, method, params } satisfies Request<R, K>, transfer);
      } catch (error) {
        throw new OctomaskError('bad-input', `What was passed cannot be sent to the worker: ${messageOf(error)}.`, { cause: error });
      }
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject, progress });
    });
  }

  /** Every call that waits and every later one fails with this error; the first close counts. */
  close(error: OctomaskError): void {
    this.#closed ??= error;
    for (const call of this.#pending.values()) call.reject(this.#closed);
    this.#pending.clear();
  }
}

/** What a handler gives back when parts of it are to be transferred. */
export class Transfer<T> {
  readonly value: T;
  readonly transfer: Transferable[];

  constructor(value: T, transfer: Transferable[]) {
    this.value = value;
    this.transfer = transfer;
  }
}

/** One function per request. */
export type Handlers<R extends RequestMap<R>> = {
  [K in keyof R]: (params: R[K]['params'], progress: Progress) => MaybeTransfer<R[K]['result']> | Promise<MaybeTransfer<R[K]['result']>>;
};

type MaybeTransfer<T> = T | Transfer<T>;

/** The answering side: one request after the other, in the order in which they came. */
export function serve<R extends RequestMap<R>>(port: Port, handlers: Handlers<R>): void {
  let queue: Promise<void> = Promise.resolve();
  port.addEventListener('message', (event) => {
    const request = event.data as Request<R>;
    // Others (the thread pool) listen to messages of the same scope.
    if (!Object.hasOwn(handlers, request?.method)) return;
    queue = queue.then(async () => {
      try {
        const progress = (done: number) => port.postMessage({ id: request.id, progress: done } satisfies Answer, []);
        const outcome = await handlers[request.method](request.params, progress);
        const { value, transfer } = outcome instanceof Transfer ? outcome : { value: outcome, transfer: [] };
        port.postMessage({ id: request.id, result: value } satisfies Answer, transfer);
      } catch (error) {
        port.postMessage({ id: request.id, error: toErrorData(error) } satisfies Answer, []);
      }
    });
  });
}

function toErrorData(error: unknown): ErrorData {
  if (isErrorData(error)) {
    const { code, message, opIndex, op } = error;
    return { code, message: sentenceOf(message), ...(opIndex !== undefined && { opIndex }), ...(op !== undefined && { op }) };
  }
  return { code: 'worker-failed', message: `The runtime stopped: ${messageOf(error)}; load the model again.` };
}

/** The runtime's messages are parts of a line, as Rust has them; on a page they stand alone. */
function sentenceOf(message: string): string {
  const text = `${message.charAt(0).toUpperCase()}${message.slice(1)}`;
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
