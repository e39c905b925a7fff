/** `metrics`: what training reports. */
export {
  binaryCrossentropy,
  categoricalCrossentropy,
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
export * from './classes.js'
export * from './functions.js'
export { Metric, type MetricOptions } from './metric.js'
export { Mean, MeanMetricWrapper, type MetricFunction, RootMeanSquaredError, Sum } from './reduction.js'
export { type CustomMetric, deserialize, get, type MetricIdentifier, serialize } from './registry.js'
