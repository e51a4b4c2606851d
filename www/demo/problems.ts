/** Problems as sentences that a person can act on. */

import { OctomaskError } from 'octomask';

/** A problem of the page itself, in its own words. */
export class Problem extends Error {}

/** What to tell the person. */
export function sentenceOf(error: unknown): string {
  if (error instanceof Problem) return error.message;
  if (error instanceof OctomaskError) return octomaskSentence(error);
  return `Something went wrong: ${error instanceof Error ? error.message : String(error)}`;
}

function octomaskSentence(error: OctomaskError): string {
  switch (error.code) {
    case 'no-simd':
      return 'This browser is too old: it has no WebAssembly SIMD. Update it, or use Chrome 91, Firefox 89, Safari 16.4 or later.';
    case 'malformed-model':
      return `This file is not a working .tflite model. ${error.message}`;
    case 'unsupported-model':
      return `This model cannot be run yet. ${error.message}`;
    case 'limit':
      return `This model is too large. ${error.message}`;
    default:
      return error.message;
  }
}

/** Why there is no camera. */
export function cameraProblem(error: unknown): Problem {
  switch (error instanceof DOMException ? error.name : '') {
    case 'NotAllowedError':
    case 'SecurityError':
      return new Problem('The camera is blocked for this page. Allow it in the address bar or in the browser’s site settings, then press “Use camera” again.');
    case 'NotFoundError':
    case 'DevicesNotFoundError':
      return new Problem('No camera was found. Connect one, or open a picture or a video.');
    case 'NotReadableError':
    case 'AbortError':
      return new Problem('The camera is busy. Close other apps and pages that use it, then press “Use camera” again.');
    default:
      return new Problem(`The camera did not start: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Browsers give the camera only to pages that nobody on the way can have changed. */
export function insecureProblem(): Problem {
  return new Problem('Browsers give the camera to secure pages only. Open this page over https, or as localhost on this computer.');
}
