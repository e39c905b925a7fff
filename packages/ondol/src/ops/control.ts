/** Control flow of `keras.ops.core`: loops and branches over tensors, usable inside compiled functions. */
import { ShapeError } from '../core/errors.js'
import { flatten, mapTree, type Tree, unflatten } from '../core/tree.js'
import type { Tensor } from '../engine/index.js'
import * as engine from '../engine/index.js'
import { asTensor, type TensorLike } from './define.js'

/**
 * Runs `f(carry, x) → [carry, y]` along axis 0 of `xs`; gives the last carry and the stacked ys.
 *
 * @example
 * const [total, partial] = ops.scan((sum, x) => { const s = ops.add(sum, x); return [s, s] }, tensor(0), tensor([1, 2, 3]))
 */
export function scan<C extends Tree<Tensor>, X extends Tree<Tensor>, Y extends Tree<Tensor>>(
  f: (carry: C, x: X) => readonly [C, Y],
  init: C,
  xs: X | null,
  options: engine.ScanOptions = {},
): [C, Y] {
  let results: Tree<unknown> = []
  const [carries, stacked] = engine.scan(
    (carry, elements) => {
      const x = xs === null ? null : unflatten(xs, elements)
      const [next, y] = f(unflatten(init, carry) as C, x as X)
      results = mapTree<unknown, unknown>(y, () => null)
      return [flatten<Tensor>(next), flatten<Tensor>(y)]
    },
    flatten<Tensor>(init),
    xs === null ? [] : flatten<Tensor>(xs),
    options,
  )
  return [unflatten(init, carries) as C, unflatten(results, stacked) as Y]
}

/** Repeats `body` while `cond` holds for the loop variables (a tensor or a list of them), at most `maximumIterations` times. */
export function whileLoop(
  cond: (...vars: Tensor[]) => Tensor,
  body: (...vars: Tensor[]) => Tensor | readonly Tensor[],
  loopVars: readonly TensorLike[],
  maximumIterations?: number,
): Tensor[] {
  const initial = loopVars.map((value) => asTensor(value))
  const next = (...vars: Tensor[]): Tensor[] => [body(...vars)].flat() as Tensor[]
  if (maximumIterations === undefined) return engine.whileLoop(cond, next, initial)
  const { lax } = engine
  const count = lax.full([], 'int32', 0)
  const results = engine.whileLoop(
    (i, ...vars) => lax.logicalAnd(lax.lt(i as Tensor, lax.full([], 'int32', maximumIterations)), cond(...vars)),
    (i, ...vars) => [lax.withNumber(i as Tensor, lax.add, 1), ...next(...vars)],
    [count, ...initial],
  )
  return results.slice(1)
}

/** `body(i, state)` for i from `lower` to `upper` - 1; differentiable, as the number of steps is fixed. */
export function foriLoop<S extends Tree<Tensor>>(lower: number, upper: number, body: (i: Tensor, state: S) => S, initial: S): S {
  const steps = Math.max(upper - lower, 0)
  const { lax } = engine
  const indices = lax.withNumber(lax.iota([steps], 'int32', 0), lax.add, lower)
  return scan((state: S, i: Tensor) => [body(i, state), [] as unknown as Tensor] as const, initial, indices)[0]
}

/** One of two results, by a bool scalar; only the branch taken is computed. */
export function cond<R extends Tree<Tensor>>(predicate: TensorLike, trueFn: () => R, falseFn: () => R): R {
  const test = asTensor(predicate)
  if (test.size !== 1)
    throw new ShapeError({
      where: 'cond',
      problem: 'the predicate must be one value',
      received: test.toString(),
      hint: 'for element-wise choice use ops.where',
    })
  let structure: Tree<unknown> = []
  const results = engine.cond(
    engine.lax.reshape(engine.lax.cast(test, 'bool'), []),
    () => {
      const result = trueFn()
      structure = mapTree<unknown, unknown>(result, () => null)
      return flatten<Tensor>(result)
    },
    () => flatten<Tensor>(falseFn()),
  )
  return unflatten(structure, results) as R
}

/** `f` for each slice along axis 0, stacked. */
export const map = <X extends Tree<Tensor>, Y extends Tree<Tensor>>(f: (x: X) => Y, xs: X): Y =>
  scan<Tensor[], X, Y>((_, x) => [[], f(x)], [], xs)[1]
