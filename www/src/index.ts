/** Octomask: mobile segmentation models on the CPU, in any browser. */

export { OctomaskError, type ErrorCode } from './errors.ts';
export { loadModel, type Model, type ModelOptions, type ModelSource, type ProfileOptions } from './model.ts';
export {
  createSegmenter,
  packagedModel,
  type Mask,
  type PackagedModel,
  type Segmenter,
  type SegmenterOptions,
  type Timings,
} from './segmenter.ts';
export type { FrameSource } from './capture.ts';
export type {
  BuildName,
  DType,
  LayerInfo,
  LayerTime,
  Profile,
  Quantization,
  RuntimeInfo,
  Size,
  Stats,
  TensorInfo,
  ThreadPart,
  TypedArray,
  TypeTime,
} from './types.ts';
