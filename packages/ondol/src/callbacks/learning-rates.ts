/** The learning rates of a model: one, or that of each optimizer of a `MultiOptimizer`. */
import { GraphError } from '../core/errors.js'
import { LossScaleOptimizer } from '../optimizers/loss-scale.js'
import { MultiOptimizer } from '../optimizers/multi.js'
import type { Optimizer } from '../optimizers/optimizer.js'
import type { CallbackModel, Logs } from './callback.js'

export interface RatedOptimizer {
  readonly optimizer: Optimizer
  /** Its rate's name in logs. */
  readonly key: string
  /** What messages call the rate: `learning rate`, or with the optimizer's name in front. */
  readonly label: string
}

/** The model's optimizer as it was compiled, out of its loss scaling. */
export function optimizerOf({ name, optimizer }: CallbackModel): Optimizer {
  if (optimizer === null) throw new GraphError({ where: name, problem: 'the model has no optimizer', hint: 'compile it' })
  return optimizer instanceof LossScaleOptimizer ? optimizer.innerOptimizer : optimizer
}

export function ratedOptimizers(model: CallbackModel): readonly RatedOptimizer[] {
  const optimizer = optimizerOf(model)
  if (!(optimizer instanceof MultiOptimizer)) return [{ optimizer, key: 'learning_rate', label: 'learning rate' }]
  return optimizer.optimizers.map((inner) => ({
    optimizer: inner,
    key: `learning_rate_${inner.name}`,
    label: `${inner.name} learning rate`,
  }))
}

/** Adds the present rates to the logs. */
export async function logRates(model: CallbackModel, logs: Logs): Promise<void> {
  for (const { optimizer, key } of ratedOptimizers(model)) logs[key] = await optimizer.learningRate.item()
}
