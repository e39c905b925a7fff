/** Class weights as sample weights: each sample weighs what its class does. */
import { DataError, ValueError } from '../core/errors.js'
import { flatten, type Tree, unflatten } from '../core/tree.js'
import type { Tensor } from '../engine/index.js'
import { lax } from '../engine/index.js'
import { matchRanks } from '../losses/loss.js'
import * as ops from '../ops/index.js'
import { matchWeights } from './compiled-loss.js'
import { isRecord, Outputs } from './outputs.js'

/** A weight for each class number; classes that are not named weigh 1. */
export type ClassWeight = { readonly [label: number]: number }
/** One for the output, or by the names of several outputs. */
export type ClassWeights = ClassWeight | { readonly [output: string]: ClassWeight }

const isClassWeight = (option: unknown): option is ClassWeight => isRecord(option) && !Object.values(option).some(isRecord)

/**
 * Sample weights multiplied by the weights of the classes, in the structure of the targets.
 *
 * @throws DataError, ValueError when there is nothing to weigh by, or weights are none.
 */
export function weighByClass(
  y: Tree<Tensor> | null,
  sampleWeight: Tree<Tensor> | null,
  weights: ClassWeights,
  names: readonly string[],
): Tree<Tensor> {
  if (y === null) throw new DataError({ where: 'classWeight', problem: 'there are no targets to weigh by' })
  const targets = flatten(y)
  const outputs = new Outputs(y, names)
  if (isClassWeight(weights) && targets.length > 1) {
    throw new DataError({
      where: 'classWeight',
      problem: 'the model has several outputs',
      expected: `a record by output: { ${targets.map((_, i) => outputs.label(i)).join(', ')} }`,
      received: 'one set of class weights',
    })
  }
  const byOutput = outputs.match<ClassWeight>(weights, { what: 'classWeight', isOne: isClassWeight })
  const given = matchWeights(
    outputs,
    sampleWeight,
    targets.map(() => true),
  )
  return unflatten(
    y as Tree<unknown>,
    targets.map((target, i) => {
      const own = byOutput[i] ?? null
      const base = given[i] ?? null
      if (own !== null) return times(weightsOf(target, own), base)
      return base ?? ops.ones([target.shape[0] as number], 'float32')
    }),
  )
}

/** Class weights have a value for each sample, or each time step; so may sample weights. */
function times(weights: Tensor, sampleWeight: Tensor | null): Tensor {
  if (sampleWeight === null) return weights
  const [left, right] = matchRanks(weights, ops.cast(sampleWeight, 'float32'))
  const rank = Math.max(left.rank, right.rank)
  const widened = (x: Tensor): Tensor => ops.reshape(x, [...x.shape, ...new Array<number>(rank - x.rank).fill(1)])
  return ops.multiply(widened(left), widened(right))
}

/** One-hot targets mean their greatest class, others the nearest whole number. */
function weightsOf(target: Tensor, weights: ClassWeight): Tensor {
  const isOneHot = target.rank > 1 && (target.shape.at(-1) as number) > 1
  const labels = isOneHot
    ? ops.argmax(target, { axis: -1 })
    : ops.cast(ops.round(target.rank > 1 ? ops.squeeze(target, -1) : target), 'int32')
  const known = Object.keys(weights).map(Number)
  const wrong = Object.entries(weights).find(([label, weight]) => !/^\d+$/.test(label) || !Number.isFinite(weight))
  if (wrong !== undefined || known.length === 0) {
    throw new ValueError({
      where: 'classWeight',
      problem: 'this says no weight of a class',
      expected: 'class numbers from 0 with a number each, such as { 0: 1, 1: 2.5 }',
      received: wrong === undefined ? '{}' : `${wrong[0]}: ${String(wrong[1])}`,
    })
  }
  // The place after the last known class stands for all others.
  const last = Math.max(...known) + 1
  const table = Float32Array.from({ length: last + 1 }, (_, label) => weights[label] ?? 1)
  const places = ops.where(ops.logicalAnd(ops.greaterEqual(labels, 0), ops.less(labels, last)), labels, last)
  return lax.gather(lax.constant(table, [last + 1], 'float32'), ops.cast(places, 'int32'), 0)
}
