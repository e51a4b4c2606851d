/** Octomask: mobile segmentation models on the CPU, in any browser. */

export { OctomaskError, type ErrorCode } from './errors.ts';
export { type AdviceOptions, loadModel, type Model, type ModelOptions, type ModelSource, type ProfileOptions } from './model.ts';
export {
  createSegmenter,
  packagedModel,
  type Mask,
  type PackagedModel,
  type Segmenter,
  type SegmenterOptions,
  type Timings,
} from './segmenter.ts';
export { openLab, type Experiment, type Lab, type LabEffort, type LabRow, type LabSetup } from './lab.ts';
export { Pacer, type FrameTime, type PacerOptions } from './pacer.ts';
export { sweepSizes, type Halving, type Sweep, type SweepOptions, type SweepRow } from './sweep.ts';
export type { FrameSource } from './capture.ts';
export type {
  Advice,
  BuildName,
  DType,
  LayerInfo,
  LayerRef,
  LayerTime,
  Profile,
  ProfileFormat,
  Quantization,
  RuntimeInfo,
  Size,
  Stats,
  TensorInfo,
  ThreadPart,
  TypedArray,
  TypeTime,
} from './types.ts';
