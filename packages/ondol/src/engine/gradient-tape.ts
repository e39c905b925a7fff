/** `GradientTape`, and gradients of functions. */
import { DTypeError, GraphError, ShapeError, ValueError } from '../core/errors.js'
import { formatShape, sameShape } from '../core/shape.js'
import { flatten, type Tree, unflatten } from '../core/tree.js'
import { backpropagate } from './autodiff.js'
import { RULES } from './control.js'
import type { Cotangent } from './gradients.js'
import * as lax from './lax.js'
import { recordOnTapes, startTape, stopTape, Tape, withoutTapes } from './tape.js'
import { isDifferentiable, Tensor } from './tensor.js'
import { Variable } from './variable.js'

export interface GradientTapeOptions {
  /** Keep the recording for more than one `gradient` call. Default false. */
  readonly persistent?: boolean
}

export interface GradientOptions {
  /** Cotangents of the target, instead of ones. */
  readonly outputGradients?: Tree<Tensor>
  /** What a source gets that the target does not depend on. Default 'none': `null`. */
  readonly unconnectedGradients?: 'none' | 'zero'
}

/**
 * Records what happens to trainable Variables and watched tensors until it is disposed of.
 *
 * @example
 * using tape = new GradientTape()
 * const loss = ops.mean(ops.square(ops.subtract(model(x), y)))
 * const gradients = tape.gradient(loss, model.trainableVariables)
 */
export class GradientTape {
  readonly #tape = new Tape()
  readonly #persistent: boolean
  #isSpent = false

  constructor({ persistent = false }: GradientTapeOptions = {}) {
    this.#persistent = persistent
    startTape(this.#tape)
  }

  /** Follows a tensor too. Trainable Variables are followed by themselves. */
  watch(tensors: Tree<Tensor | Variable>): void {
    for (const leaf of flatten(tensors)) {
      const value = leaf instanceof Variable ? leaf.value : leaf
      if (!isDifferentiable(value)) {
        throw new DTypeError({ where: 'GradientTape.watch', problem: 'only float tensors have gradients', received: value.toString() })
      }
      this.#tape.watch(value)
    }
  }

  /** Runs `body` without recording it. */
  stopRecording<R>(body: () => R): R {
    this.#tape.isRecording = false
    try {
      return body()
    } finally {
      this.#tape.isRecording = true
    }
  }

  /**
   * d target / d source for each source, in the sources' structure; `null` where the target does not depend on it.
   *
   * @throws GraphError when a tape that is not persistent is asked a second time.
   */
  gradient<S extends Tree<Tensor | Variable>>(target: Tree<Tensor>, sources: S, options: GradientOptions = {}): Gradients<S> {
    if (this.#isSpent) {
      throw new GraphError({
        where: 'GradientTape.gradient',
        problem: 'this tape was used already',
        hint: 'make it with new GradientTape({ persistent: true }) to ask more than once',
      })
    }
    const { unconnectedGradients = 'none' } = options
    const targets = flatten(target)
    const seeds = options.outputGradients === undefined ? undefined : flatten(options.outputGradients)
    const pairs = this.stopRecording(() => targets.map((tensor, index) => [tensor, seedFor(tensor, seeds?.[index])] as const))
    const leaves = flatten(sources as Tree<Tensor | Variable>)
    const tensors = this.stopRecording(() => leaves.map((leaf) => (leaf instanceof Variable ? leaf.uncastValue : leaf)))
    const isFollowed = tensors.map((tensor) => this.#tape.isWatched(tensor))
    const followed = tensors.filter((_, index) => isFollowed[index])
    const found = this.stopRecording(() => backpropagate(this.#tape.records, pairs, followed, RULES))
    const gradients = isFollowed.map((yes) => (yes ? (found.shift() ?? null) : null))
    if (!this.#persistent) {
      this.#isSpent = true
      this.#tape.clear()
    }
    const filled = gradients.map(
      (gradient, index) => gradient ?? (unconnectedGradients === 'zero' ? lax.zerosLike(tensors[index] as Tensor) : null),
    )
    return unflatten<Cotangent>(sources as Tree<unknown>, filled) as Gradients<S>
  }

  /** Ends the recording. */
  [Symbol.dispose](): void {
    stopTape(this.#tape)
    this.#tape.clear()
  }

  dispose(): void {
    this[Symbol.dispose]()
  }
}

/** The structure of the sources, with a gradient or `null` at each leaf. */
export type Gradients<S> = S extends Tensor | Variable
  ? Tensor | null
  : S extends readonly (infer E)[]
    ? Gradients<E>[]
    : { [K in keyof S]: Gradients<S[K]> }

/** The structure of the arguments, with a tensor at each leaf. */
export type Filled<S> = S extends Tensor ? Tensor : S extends readonly (infer E)[] ? Filled<E>[] : { [K in keyof S]: Filled<S[K]> }

function seedFor(target: Tensor, seed: Tensor | undefined): Tensor {
  if (!isDifferentiable(target))
    throw new DTypeError({ where: 'gradient', problem: 'only a float tensor can be differentiated', received: target.toString() })
  if (seed === undefined) return lax.fullLike(target, 1)
  if (!sameShape(seed.shape, target.shape)) {
    throw new ShapeError({
      where: 'gradient',
      problem: 'an output gradient has another shape than its target',
      expected: formatShape(target.shape),
      received: formatShape(seed.shape),
    })
  }
  return seed
}

/**
 * `f` with its value and the gradient for its first argument (a tensor or a structure of tensors).
 *
 * @example
 * const [y, dx] = valueAndGrad((x) => ops.sum(ops.square(x)))(tensor([1, 2, 3])) // dx = [2, 4, 6]
 */
export function valueAndGrad<X extends Tree<Tensor>, A extends unknown[]>(
  f: (x: X, ...rest: A) => Tensor,
): (x: X, ...rest: A) => [Tensor, Filled<X>] {
  return (x, ...rest) => {
    const tape = new GradientTape()
    try {
      tape.watch(x)
      const value = f(x, ...rest)
      if (value.size !== 1) {
        throw new ShapeError({
          where: 'valueAndGrad',
          problem: 'the function must give one number',
          received: formatShape(value.shape),
          hint: 'reduce it with ops.sum or ops.mean',
        })
      }
      const gradients = tape.gradient<Tree<Tensor>>(value, x, { unconnectedGradients: 'zero' })
      return [value, gradients as Filled<X>]
    } finally {
      tape.dispose()
    }
  }
}

/** As `valueAndGrad`, without the value. */
export function grad<X extends Tree<Tensor>, A extends unknown[]>(f: (x: X, ...rest: A) => Tensor): (x: X, ...rest: A) => Filled<X> {
  const both = valueAndGrad<X, A>(f)
  return (x, ...rest) => both(x, ...rest)[1]
}

/**
 * A function with a gradient of your own: `forward` gives the outputs and the way back.
 *
 * @example
 * const clipped = customGradient((x: Tensor) => [x, (g) => [ops.clip(g, -1, 1)]])
 */
export function customGradient<A extends Tensor[]>(
  forward: (...inputs: A) => readonly [output: Tensor, backward: (cotangent: Tensor) => readonly (Tensor | null)[]],
): (...inputs: A) => Tensor {
  return (...inputs) => {
    const [result, backward] = withoutTapes(() => forward(...inputs))
    if (!(result instanceof Tensor)) throw new ValueError({ where: 'customGradient', problem: 'the function must give [output, backward]' })
    // A tensor of its own, so that an output that is also an input is not followed twice.
    const output = inputs.includes(result) ? withoutTapes(() => lax.mul(result, lax.fullLike(result, 1))) : result
    recordOnTapes({
      primitive: 'custom',
      inputs,
      outputs: [output],
      backward: ([g]) => (g === null || g === undefined ? inputs.map(() => null) : backward(g)),
    })
    return output
  }
}

/** `x`, through which no gradient flows. */
export const stopGradient = (x: Tensor): Tensor => withoutTapes(() => lax.select(lax.full(x.shape, 'bool', 1), x, x))
