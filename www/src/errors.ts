/**
 * What went wrong, as a name that stays the same from release to release.
 *
 * The first four come from the runtime itself; the others from the browser around it.
 */
export type ErrorCode =
  /** The model file breaks its own format. */
  | 'malformed-model'
  /** The model asks for something the runtime does not do. */
  | 'unsupported-model'
  /** A call was wrong: a length, a type, a size, an option. */
  | 'bad-input'
  /** The model or an input would take more memory or work than is allowed. */
  | 'limit'
  /** The browser has no WebAssembly SIMD. */
  | 'no-simd'
  /** The build that was asked for cannot run in this browser or on this page. */
  | 'unsupported-build'
  /** A file could not be fetched, or was something else. */
  | 'fetch-failed'
  /** The worker did not start, or stopped. */
  | 'worker-failed'
  /** The model or segmenter was disposed. */
  | 'disposed'
  /** The caller's signal aborted the call. */
  | 'aborted';

/** The one error that this package throws. Its message is one sentence that says what and where. */
export class OctomaskError extends Error {
  override readonly name = 'OctomaskError';
  readonly code: ErrorCode;
  /** Index of the operator in the model file, as Netron shows it. */
  readonly opIndex?: number;
  /** Name of that operator. */
  readonly op?: string;

  constructor(code: ErrorCode, message: string, where?: { opIndex?: number; op?: string; cause?: unknown }) {
    super(message, where?.cause === undefined ? undefined : { cause: where.cause });
    this.code = code;
    if (where?.opIndex !== undefined) this.opIndex = where.opIndex;
    if (where?.op !== undefined) this.op = where.op;
  }
}

/** An error as it crosses from the worker to the page: plain, so that it can be cloned. */
export interface ErrorData {
  code: ErrorCode;
  message: string;
  opIndex?: number;
  op?: string;
}

/** Whether a thrown value already is an error of ours, as an object or as plain data. */
export function isErrorData(error: unknown): error is ErrorData {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    && 'message' in error && typeof error.message === 'string' && !(error instanceof DOMException);
}

/** The message of anything that can be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
