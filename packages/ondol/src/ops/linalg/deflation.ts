/** Where Hessenberg matrices come apart: what is rounding under the diagonal becomes 0. */
import { lax, type Tensor } from '../../engine/index.js'
import { after, type Bands, bandsOf, before, withBelow } from './bands.js'
import { epsilonOf, tinyOf } from './precision.js'

/** Rows `first` to `last` of each matrix, its last part of more than two that hang together: (batch) int32; 0 and 0 for none. */
export interface Window {
  readonly first: Tensor
  readonly last: Tensor
}

/**
 * Whether element [i + 1, i] is more than rounding: beside its neighbours on the diagonal (or the next below, where these are 0),
 * and in what it does to them (Ahues and Tisseur 1997).
 */
function isCoupled({ diagonal, below, above }: Bands): Tensor {
  const epsilon = epsilonOf(below)
  const tiny = lax.fullLike(below, tinyOf(below))
  const [own, under, over] = [lax.abs(diagonal), lax.abs(below), lax.abs(above)]
  const distance = lax.abs(lax.sub(diagonal, after(diagonal)))
  const beside = lax.add(own, after(own))
  const near = lax.select(lax.eq(beside, lax.zerosLike(beside)), lax.add(before(under), after(under)), beside)
  const [high, low] = [lax.max(under, over), lax.min(under, over)]
  const [far, close] = [lax.max(after(own), distance), lax.min(after(own), distance)]
  const sum = lax.max(lax.add(far, high), tiny)
  const effect = lax.mul(low, lax.div(high, sum))
  const limit = lax.withNumber(lax.mul(close, lax.div(far, sum)), lax.mul, epsilon)
  const isLarge = lax.gt(under, lax.max(lax.withNumber(near, lax.mul, epsilon), tiny))
  const isFelt = lax.logicalAnd(lax.gt(under, tiny), lax.gt(effect, lax.max(limit, tiny)))
  return lax.logicalOr(isLarge, isFelt)
}

function windowOf(coupled: Tensor): Window {
  const index = lax.iota(coupled.shape, 'int32', 1)
  const lastOf = (condition: Tensor, values: Tensor): Tensor => lax.reduceMax(lax.select(condition, values, lax.zerosLike(values)), [1])
  const last = lastOf(lax.logicalAnd(coupled, after(coupled)), lax.withNumber(index, lax.add, 2))
  const isBefore = lax.lt(index, lax.broadcast(last, index.shape, [0]))
  const first = lastOf(lax.logicalAnd(isBefore, lax.logicalNot(coupled)), lax.withNumber(index, lax.add, 1))
  return { first, last }
}

/** The framed matrices with which `state` begins without what is rounding, and the windows that are left to work on. */
export function deflated(state: Tensor): { readonly state: Tensor; readonly window: Window } {
  const bands = bandsOf(state)
  const coupled = isCoupled(bands)
  const below = lax.select(coupled, bands.below, lax.zerosLike(bands.below))
  return { state: withBelow(state, below), window: windowOf(coupled) }
}
