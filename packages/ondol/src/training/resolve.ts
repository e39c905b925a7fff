/** Losses and metrics whose meaning depends on the shapes of the data: `'accuracy'` and `'crossentropy'`. */
import type { Tensor } from '../engine/index.js'
import type { Loss, LossIdentifier } from '../losses/index.js'
import * as losses from '../losses/index.js'
import { nameOfFunction } from '../losses/registry.js'
import type { Metric, MetricIdentifier } from '../metrics/index.js'
import * as metrics from '../metrics/index.js'

/** What the targets are, going by shapes alone, as Keras does. */
function kindOf(yTrue: Tensor, yPred: Tensor): 'binary' | 'sparse' | 'categorical' {
  if (yPred.shape.at(-1) === 1) return 'binary'
  const isSparse = yTrue.rank < yPred.rank || (yTrue.shape.at(-1) === 1 && (yPred.shape.at(-1) as number) > 1)
  return isSparse ? 'sparse' : 'categorical'
}

const isName = (identifier: unknown, ...names: string[]): identifier is string =>
  typeof identifier === 'string' && names.includes(identifier.toLowerCase())

const ACCURACIES = {
  binary: metrics.BinaryAccuracy,
  sparse: metrics.SparseCategoricalAccuracy,
  categorical: metrics.CategoricalAccuracy,
} as const
const CROSSENTROPIES = {
  binary: losses.BinaryCrossentropy,
  sparse: losses.SparseCategoricalCrossentropy,
  categorical: losses.CategoricalCrossentropy,
} as const

/** The metric, under the name that it was asked for by. */
export function resolveMetric(identifier: MetricIdentifier, yTrue: Tensor, yPred: Tensor): Metric {
  if (isName(identifier, 'accuracy', 'acc')) return new ACCURACIES[kindOf(yTrue, yPred)]({ name: identifier })
  const metric = metrics.get(identifier)
  const name = typeof identifier === 'string' ? identifier : nameOfFunction(identifier)
  if (name !== undefined) metric.name = name
  return metric
}

export function resolveLoss(identifier: LossIdentifier, yTrue: Tensor, yPred: Tensor): Loss {
  return isName(identifier, 'crossentropy', 'ce') ? new CROSSENTROPIES[kindOf(yTrue, yPred)]() : losses.get(identifier)
}
