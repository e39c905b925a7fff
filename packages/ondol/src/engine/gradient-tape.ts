/**
 * `GradientTape`, as TensorFlow's: records what is computed from Variables and watched tensors, and goes back.
 * Functions that differentiate functions are in `differentiate.ts`.
 */
import { DTypeError, GraphError, ShapeError } from '../core/errors.js'
import { formatShape, type Shape, sameShape, sizeOf } from '../core/shape.js'
import { flatten, mapTree, type Tree, unflatten } from '../core/tree.js'
import { backpropagate } from './autodiff.js'
import { RULES, scan } from './control.js'
import { type Cotangent, sum } from './gradients.js'
import * as lax from './lax.js'
import { startTape, stopTape, Tape } from './tape.js'
import { isDifferentiable, Tensor } from './tensor.js'
import { Variable } from './variable.js'

export interface GradientTapeOptions {
  /** Keep the recording for more than one `gradient` call. Default false. */
  readonly persistent?: boolean
  /** Follow trainable Variables without being asked to. Default true. */
  readonly watchAccessedVariables?: boolean
}

export interface JacobianOptions {
  /** What a source gets that the target does not depend on: `null` ('none', the default) or zeros ('zero'). */
  readonly unconnectedGradients?: 'none' | 'zero'
}

export interface GradientOptions extends JacobianOptions {
  /** Cotangents in the structure of the target, instead of ones. */
  readonly outputGradients?: Tree<Tensor | null> | undefined
}

type Unconnected<O, None, Zero> = O extends { readonly unconnectedGradients: 'zero' } ? Zero : None

/** The structure of the sources, with a gradient or `null` at each leaf. */
export type Gradients<S> = S extends Tensor | Variable ? Tensor | null : { -readonly [K in keyof S]: Gradients<S[K]> }

/** The structure of the arguments, with a tensor at each leaf. */
export type Filled<S> = S extends Tensor | Variable ? Tensor : { -readonly [K in keyof S]: Filled<S[K]> }

/** What may be differentiated by. */
export type Source = Tree<Tensor | Variable>

/**
 * Records what is computed from trainable Variables and watched tensors, until it is disposed of or, unless it is
 * persistent, asked for gradients.
 *
 * @example
 * using tape = new GradientTape()
 * const loss = ops.mean(ops.square(ops.subtract(model(x), y)))
 * const gradients = tape.gradient(loss, model.trainableVariables)
 */
export class GradientTape {
  readonly #tape: Tape
  readonly #isPersistent: boolean
  #state: 'recording' | 'used' | 'disposed' = 'recording'

  constructor({ persistent = false, watchAccessedVariables = true }: GradientTapeOptions = {}) {
    this.#isPersistent = persistent
    this.#tape = new Tape(watchAccessedVariables)
    startTape(this.#tape)
  }

  /** Follows tensors, and Variables that it does not follow by itself. */
  watch(tensors: Source): void {
    this.#requireRecording('watch')
    for (const leaf of flatten(tensors)) {
      requireFloat('GradientTape.watch', leaf, 'only float tensors have gradients')
      if (leaf instanceof Variable) this.#tape.watchVariable(leaf, leaf.uncastValue)
      else this.#tape.watch(leaf)
    }
  }

  /** Variables that it follows, in the order in which they were first read. */
  watchedVariables(): Variable[] {
    return this.#tape.followedVariables as Variable[]
  }

  /** Runs `body` without recording it. */
  stopRecording<R>(body: () => R): R {
    this.#requireRecording('stopRecording')
    return this.#paused(body)
  }

  #paused<R>(body: () => R): R {
    const before = this.#tape.isRecording
    this.#tape.isRecording = false
    try {
      return body()
    } finally {
      this.#tape.isRecording = before
    }
  }

  /** Forgets everything, also what is watched, and records from here on. */
  reset(): void {
    if (this.#state === 'disposed') this.#requireRecording('reset')
    if (this.#state === 'used') startTape(this.#tape)
    this.#tape.clear()
    this.#state = 'recording'
  }

  /**
   * d target / d source for each source, in the sources' structure; `null` where no target depends on it. Several
   * targets are added up. A Variable's gradient is that by all values it was read with.
   *
   * A persistent tape goes on recording meanwhile, so that its gradients can be differentiated too.
   *
   * @throws GraphError when the tape was disposed of, or is not persistent and is asked a second time.
   */
  gradient<const S extends Source, const O extends GradientOptions = GradientOptions>(
    target: Tree<Tensor | Variable>,
    sources: S,
    options?: O,
  ): Unconnected<O, Gradients<S>, Filled<S>> {
    this.#requireRecording('gradient')
    const leaves = requireSources('GradientTape.gradient', sources)
    const targets = flatten(target).map((leaf) => (leaf instanceof Variable ? leaf.value : leaf))
    const seeds = seedsFor(targets, options?.outputGradients)
    const gradients = this.#goBack(() =>
      this.#backpropagate(
        targets.map((tensor, index) => [tensor, seeds[index] as Tensor]),
        leaves,
      ),
    )
    return inStructure(sources, leaves, gradients, options, ({ shape }) => shape) as Unconnected<O, Gradients<S>, Filled<S>>
  }

  /**
   * All derivatives of each element of `target`: (…target, …source) for each source.
   *
   * @example
   * tape.jacobian(ops.square(x), x) // (3,) → (3, 3), 2x on the diagonal
   */
  jacobian<const S extends Source, const O extends JacobianOptions = JacobianOptions>(
    target: Tensor,
    sources: S,
    options?: O,
  ): Unconnected<O, Gradients<S>, Filled<S>> {
    this.#requireRecording('jacobian')
    const where = 'GradientTape.jacobian'
    const leaves = requireSources(where, sources)
    requireFloat(where, target, 'only a float tensor can be differentiated')
    const rows = this.#goBack(() => this.#rows(target, leaves, target.size, (seed) => lax.reshape(seed, target.shape)))
    const shapeOf = ({ shape }: Tensor | Variable): Shape => [...target.shape, ...shape]
    const jacobians = rows.map((row, index) => row && lax.reshape(row, shapeOf(leaves[index] as Tensor)))
    return inStructure(sources, leaves, jacobians, options, shapeOf) as Unconnected<O, Gradients<S>, Filled<S>>
  }

  /**
   * The Jacobian of each sample by itself: target (batch, …t) and source (batch, …s) give (batch, …t, …s). Right only
   * where the samples do not depend on each other.
   *
   * @throws ShapeError when target and source differ in batch size.
   */
  batchJacobian<const O extends JacobianOptions = JacobianOptions>(
    target: Tensor,
    source: Tensor | Variable,
    options?: O,
  ): Unconnected<O, Tensor | null, Tensor> {
    this.#requireRecording('batchJacobian')
    const where = 'GradientTape.batchJacobian'
    const leaves = requireSources(where, source)
    requireFloat(where, target, 'only a float tensor can be differentiated')
    const [batch, ...outer] = target.shape
    const [sourceBatch, ...inner] = source.shape
    if (batch === undefined || batch !== sourceBatch) {
      throw new ShapeError({
        where,
        problem: 'target and source differ in batch size',
        expected: 'the same size on axis 0 of both',
        received: `${formatShape(target.shape)} and ${formatShape(source.shape)}`,
      })
    }
    const count = sizeOf(outer)
    const seedOf = (seed: Tensor): Tensor => lax.reshape(lax.broadcast(seed, [batch, count], [1]), target.shape)
    const [rows = null] = this.#goBack(() => this.#rows(target, leaves, count, seedOf))
    const shape = [batch, ...outer, ...inner]
    const jacobian = rows && lax.reshape(lax.transpose(rows, [1, 0, ...inner.map((_, axis) => axis + 2)]), shape)
    return inStructure(source, leaves, [jacobian], options, () => shape) as Unconnected<O, Tensor | null, Tensor>
  }

  /** One way back for each of `count` seeds, as one loop: (count, …source), or null where nothing flows. */
  #rows(target: Tensor, leaves: readonly (Tensor | Variable)[], count: number, seedOf: (row: Tensor) => Tensor): Cotangent[] {
    const places = (axis: number): Tensor => lax.iota([count, count], 'int32', axis)
    const identity = lax.cast(lax.eq(places(0), places(1)), target.dtype)
    let isConnected: boolean[] = []
    const [, rows] = scan(
      (_, [row]) => {
        const found = this.#backpropagate([[target, seedOf(row as Tensor)]], leaves)
        isConnected = found.map((gradient) => gradient !== null)
        // Something always comes out, so that the loop is one.
        return [[], [...found.filter((gradient) => gradient !== null), row as Tensor]]
      },
      [],
      [identity],
    )
    return isConnected.map((yes) => (yes ? (rows.shift() as Tensor) : null))
  }

  #backpropagate(targets: readonly (readonly [Tensor, Tensor])[], leaves: readonly (Tensor | Variable)[]): Cotangent[] {
    const values = leaves.map((leaf) => (leaf instanceof Variable ? this.#tape.readsOf(leaf) : [leaf]))
    const found = backpropagate(this.#tape.records, targets, values.flat(), RULES)
    return values.map((reads) => found.splice(0, reads.length).reduce(sum, null))
  }

  /** A tape that is not persistent is over when it is asked; a persistent one records the way back. */
  #goBack<R>(body: () => R): R {
    if (this.#isPersistent) return body()
    stopTape(this.#tape)
    try {
      return body()
    } finally {
      this.#state = 'used'
      this.#tape.clear()
    }
  }

  #requireRecording(method: string): void {
    if (this.#state === 'recording') return
    const isUsed = this.#state === 'used'
    throw new GraphError({
      where: `GradientTape.${method}`,
      problem: isUsed ? 'this tape was used already' : 'this tape was disposed of',
      hint: isUsed
        ? 'make it with new GradientTape({ persistent: true }) to ask more than once'
        : 'ask for gradients before the end of the block that declares it with `using`',
    })
  }

  /** Ends the recording and forgets it. */
  [Symbol.dispose](): void {
    stopTape(this.#tape)
    this.#tape.clear()
    this.#state = 'disposed'
  }

  dispose(): void {
    this[Symbol.dispose]()
  }
}

function requireFloat(where: string, value: Tensor | Variable, problem: string): void {
  if (value instanceof Tensor ? isDifferentiable(value) : value.dtype.includes('float')) return
  throw new DTypeError({ where, problem, received: value.toString(), hint: 'convert it with ops.cast before the tape sees it' })
}

function requireSources(where: string, sources: Source): (Tensor | Variable)[] {
  const leaves = flatten(sources)
  for (const leaf of leaves) {
    if (!(leaf instanceof Tensor || leaf instanceof Variable)) {
      throw new GraphError({ where, problem: 'a source is neither a tensor nor a Variable', received: String(leaf) })
    }
    requireFloat(where, leaf, 'only float tensors have gradients')
  }
  return leaves
}

function seedsFor(targets: readonly Tensor[], given: Tree<Tensor | null> | undefined): Tensor[] {
  const where = 'GradientTape.gradient'
  const seeds = given === undefined ? [] : flatten(given)
  if (given !== undefined && seeds.length !== targets.length) {
    throw new ShapeError({
      where,
      problem: 'outputGradients has another structure than the target',
      expected: `${targets.length} tensors`,
      received: `${seeds.length}`,
    })
  }
  return targets.map((target, index) => {
    requireFloat(where, target, 'only a float tensor can be differentiated')
    const seed = seeds[index]
    if (seed === undefined || seed === null) return lax.fullLike(target, 1)
    if (!sameShape(seed.shape, target.shape)) {
      throw new ShapeError({
        where,
        problem: 'an output gradient has another shape than its target',
        expected: formatShape(target.shape),
        received: formatShape(seed.shape),
      })
    }
    return lax.cast(seed, target.dtype)
  })
}

/** Gradients in the structure of the sources; zeros for those that are not connected, if wished. */
function inStructure(
  sources: Source,
  leaves: readonly (Tensor | Variable)[],
  gradients: readonly Cotangent[],
  { unconnectedGradients = 'none' }: JacobianOptions = {},
  shapeOf: (leaf: Tensor | Variable) => Shape,
): Tree<Cotangent> {
  const filled = leaves.map((leaf, index) => {
    const gradient = gradients[index] ?? null
    return gradient === null && unconnectedGradients === 'zero' ? lax.full(shapeOf(leaf), leaf.dtype, 0) : gradient
  })
  return unflatten(mapTree(sources as Tree<unknown>, () => 0) as Tree<unknown>, filled)
}
