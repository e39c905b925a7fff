/** `metrics`: what training reports. */
export {
  binaryCrossentropy,
  binaryFocalCrossentropy,
  categoricalCrossentropy,
  categoricalFocalCrossentropy,
  categoricalHinge,
  hinge,
  huber,
  klDivergence,
  logCosh,
  meanAbsoluteError,
  meanAbsolutePercentageError,
  meanSquaredError,
  meanSquaredLogarithmicError,
  poisson,
  sparseCategoricalCrossentropy,
  squaredHinge,
} from '../losses/functions.js'
export { AUC, type AUCOptions } from './auc.js'
export * from './classes.js'
export * from './confusion.js'
export { F1Score, type F1ScoreOptions, FBetaScore, type FBetaScoreOptions } from './f-score.js'
export * from './functions.js'
export * from './iou.js'
export { Metric, type MetricOptions } from './metric.js'
export { R2Score, type R2ScoreOptions } from './r2-score.js'
export { Mean, MeanMetricWrapper, type MetricFunction, RootMeanSquaredError, Sum } from './reduction.js'
export { type CustomMetric, deserialize, get, type MetricIdentifier, serialize } from './registry.js'
export * from './trade-off.js'
