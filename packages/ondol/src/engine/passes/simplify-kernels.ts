/** Kernels next to masks, sums and transposes: the same work on fewer elements, or without a copy. */

import { isNode, type Value } from '../graph.js'
import { layoutAxes } from '../primitives.js'
import type { Rule, Rules } from './rewriter.js'
import { fillOf } from './simplify-movement.js'

/**
 * Relu's mask behind a max-pool: the gradient goes to the greatest element of each window, so it passes where
 * the pool's own output is positive; the mask is applied before the gradient is spread.
 */
export const maskBeforePool: Rule<'select'> = (r, _, [condition, whenTrue, whenFalse]) => {
  const spread = (whenTrue as Value).node
  const mask = (condition as Value).node
  if (!isNode(spread, 'maxPoolGrad') || !isNode(mask, 'gt') || fillOf(whenFalse as Value) !== 0) return null
  const [gradient, positions] = spread.inputs as [Value, Value]
  const pool = positions.node
  const [x, zero] = mask.inputs as [Value, Value]
  if (!isNode(pool, 'maxPool') || fillOf(zero) !== 0 || pool.inputs[0] !== x) return null
  const y = pool.outputs[0] as Value
  const isPositive = r.one('gt', {}, y, r.full(y.shape, y.dtype, 0))
  const masked = r.one('select', {}, isPositive, gradient, r.full(gradient.shape, gradient.dtype, 0))
  return r.one('maxPoolGrad', spread.attributes, masked, positions)
}

/** A pool's gradient has the sum of what came in. */
const sumBeforePool: Rule<'reduceSum'> = (r, { axes }, [x]) => {
  const { node, shape } = x as Value
  if (!isNode(node, 'maxPoolGrad') && !isNode(node, 'avgPoolGrad')) return null
  const { spatial } = layoutAxes(node.attributes.layout, shape.length)
  return spatial.every((axis) => axes.includes(axis)) ? r.one('reduceSum', { axes }, node.inputs[0] as Value) : null
}

/** A permutation of whole index axes around the axis that a gather reads: how it permutes the indices, or null. */
function indexOrder(permutation: readonly number[], axis: number, rank: number): number[] | null {
  const isOutside = (at: number): boolean => at < axis || at >= axis + rank
  return permutation.every((from, at) => (isOutside(at) ? from === at : !isOutside(from)))
    ? permutation.slice(axis, axis + rank).map((from) => from - axis)
    : null
}

/** Looking up in another order is no copy. */
export const orderBeforeGather: Rule<'transpose'> = (r, { permutation }, [x]) => {
  const { node } = x as Value
  if (!isNode(node, 'gather')) return null
  const [table, indices] = node.inputs as [Value, Value]
  const order = indexOrder(permutation, node.attributes.axis, indices.shape.length)
  return order && r.one('gather', node.attributes, table, r.one('transpose', { permutation: order }, indices))
}

const orderBeforeScatter: Rule<'scatterAdd'> = (r, attributes, [x, indices, updates]) => {
  const { node } = updates as Value
  if (!isNode(node, 'transpose')) return null
  const { permutation } = node.attributes
  const order = indexOrder(permutation, attributes.axis, (indices as Value).shape.length)
  if (order === null) return null
  const inverse = order.map((_, at) => order.indexOf(at))
  return r.one(
    'scatterAdd',
    attributes,
    x as Value,
    r.one('transpose', { permutation: inverse }, indices as Value),
    node.inputs[0] as Value,
  )
}

export const KERNEL_RULES: Rules = {
  reduceSum: [sumBeforePool],
  scatterAdd: [orderBeforeScatter],
}
