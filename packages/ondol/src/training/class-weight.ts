/** Class weights as sample weights: each sample weighs what its class does. */
import { DataError } from '../core/errors.js'
import { flatten, type Tree, unflatten } from '../core/tree.js'
import type { Tensor } from '../engine/index.js'
import { lax } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { isRecord } from './outputs.js'

/** A weight for each class number; classes that are not named weigh 1. */
export type ClassWeight = { readonly [label: number]: number }
/** One for the output, or by the names of several outputs. */
export type ClassWeights = ClassWeight | { readonly [output: string]: ClassWeight }

const isByOutput = (weights: ClassWeights): weights is { readonly [output: string]: ClassWeight } => Object.values(weights).some(isRecord)

/** Sample weights multiplied by the weights of the classes. */
export function weighByClass(
  y: Tree<Tensor> | null,
  sampleWeight: Tree<Tensor> | null,
  weights: ClassWeights,
  names: readonly string[],
): Tree<Tensor> {
  if (y === null) throw new DataError({ where: 'classWeight', problem: 'there are no targets to weigh by' })
  const targets = flatten(y)
  if (!isByOutput(weights)) {
    if (targets.length > 1) {
      throw new DataError({
        where: 'classWeight',
        problem: 'the model has several outputs',
        expected: `a record by output: { ${names.join(', ')} }`,
        received: 'one set of class weights',
      })
    }
    return times(
      weightsOf(targets[0] as Tensor, weights as ClassWeight),
      sampleWeight === null ? null : (flatten(sampleWeight)[0] as Tensor),
    )
  }
  const given = sampleWeight === null ? [] : flatten(sampleWeight)
  const keys = isRecord(y) ? Object.keys(y) : names
  return unflatten(
    y as Tree<unknown>,
    targets.map((target, i) => {
      const own = weights[keys[i] as string]
      const base = given.length === 1 ? (given[0] as Tensor) : (given[i] ?? null)
      return times(own === undefined ? ops.ones([target.shape[0] as number], 'float32') : weightsOf(target, own), base)
    }),
  )
}

const times = (weights: Tensor, sampleWeight: Tensor | null): Tensor =>
  sampleWeight === null ? weights : ops.multiply(weights, ops.reshape(sampleWeight, weights.shape))

/** One-hot targets mean their greatest class, others the nearest whole number. */
function weightsOf(target: Tensor, weights: ClassWeight): Tensor {
  const isOneHot = target.rank > 1 && (target.shape.at(-1) as number) > 1
  const labels = isOneHot
    ? ops.argmax(target, { axis: -1 })
    : ops.cast(ops.round(target.rank > 1 ? ops.squeeze(target, -1) : target), 'int32')
  const known = Object.keys(weights).map(Number)
  // The place after the last known class stands for all others: gathering clamps to it.
  const table = Float32Array.from({ length: Math.max(...known) + 2 }, (_, label) => weights[label] ?? 1)
  return lax.gather(lax.constant(table, [table.length], 'float32'), labels, 0)
}
