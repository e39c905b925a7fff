/** The limits of `config` for quick trials: `maxEpochs` and `maxStepsPerEpoch`. */
import { maxEpochs, maxStepsPerEpoch } from '../ops/config.js'
import type { Source } from './source.js'

/** Epochs to run. */
export function limitedEpochs(epochs: number): number {
  const limit = maxEpochs()
  if (limit === null || limit >= epochs) return epochs
  console.warn(`ondol: limiting epochs to ${limit}`)
  return limit
}

/** Steps to run, undefined for all that there are. */
export function limitedSteps(steps: number | undefined, source: Pick<Source, 'steps'>): number | undefined {
  const limit = maxStepsPerEpoch()
  const known = Math.min(steps ?? Number.POSITIVE_INFINITY, source.steps ?? Number.POSITIVE_INFINITY)
  if (limit === null || limit >= known) return steps
  console.warn(`ondol: limiting steps per epoch to ${limit}`)
  return limit
}
