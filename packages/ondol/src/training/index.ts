/** What the package index shows of training. */
export type { ClassWeight, ClassWeights } from './class-weight.js'
export type { MetricsOption } from './compiled-metrics.js'
export type { DataLike } from './convert.js'
export type { CompileOptions, EvaluateOptions, FitOptions, OnBatchOptions, PredictOptions, Verbosity } from './options.js'
export type { PerOutput } from './outputs.js'
export type { BatchIterable, BatchLike } from './source.js'
export type { Batch } from './step.js'
export { type LossInputs, Trainable } from './trainable.js'
