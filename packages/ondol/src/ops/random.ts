/**
 * Random numbers: `keras.random`. Counter-based (threefry2x32), so the same seed gives the same numbers on
 * every backend, eagerly and compiled, whatever the order of execution.
 */
import { type DType, isFloat } from '../core/dtype.js'
import { DTypeError, ShapeError, ValueError } from '../core/errors.js'
import { formatShape, type Shape } from '../core/shape.js'
import { lax, stopGradient, type Tensor, tensor, Variable } from '../engine/index.js'
import { floatx } from './config.js'
import { asTensor, type TensorLike } from './define.js'
import { uniqueName } from './naming.js'
import { toFloat } from './promotion.js'

const { withNumber } = lax

let globalSeed: number | undefined
let draws = 0
let globalGenerator: SeedGenerator | undefined

/** A seed nobody chose: from the global seed if there is one, else from chance. */
export function makeDefaultSeed(): number {
  if (globalSeed === undefined) return Math.floor(Math.random() * 2 ** 31)
  // Successive seeds of one global seed: a multiplicative hash of their number.
  draws++
  return (Math.imul(globalSeed ^ Math.imul(draws, 0x9e3779b1), 0x85ebca6b) >>> 1) & 0x7fffffff
}

/** Makes everything random that follows repeatable (`utils.setRandomSeed`). */
export function setGlobalSeed(seed: number | undefined): void {
  globalSeed = seed
  draws = 0
  globalGenerator = undefined
}

/** A stream of random keys: state is int32 [seed, counter], and each use counts one up. */
export class SeedGenerator {
  readonly state: Variable
  readonly seed: number
  readonly name: string

  constructor(seed?: number | null, { name = uniqueName('seed_generator') }: { readonly name?: string } = {}) {
    if (seed !== undefined && seed !== null && (!Number.isInteger(seed) || seed < 0)) {
      throw new ValueError({ where: 'SeedGenerator', problem: 'the seed must be a whole number of at least 0', received: String(seed) })
    }
    this.seed = seed ?? makeDefaultSeed()
    this.name = name
    this.state = new Variable(() => tensor(Int32Array.of(this.seed | 0, 0), [2], 'int32'), {
      name: 'seed_generator_state',
      trainable: false,
      autocast: false,
    })
  }

  /** The next key, int32 (2,). */
  next(): Tensor {
    const key = this.state.value
    this.state.assign(lax.add(key, lax.constant(Int32Array.of(0, 1), [2], 'int32')))
    return key
  }

  getConfig(): { seed: number; name: string } {
    return { seed: this.seed, name: this.name }
  }
}

/** What random numbers follow from that belong to no layer. */
export interface RandomState {
  readonly seed: number | null
  /** Seeds taken from it. */
  readonly draws: number
  /** State of the global generator, if it was used. */
  readonly generator: Variable | Tensor | null
}

export function randomState(): RandomState {
  return { seed: globalSeed ?? null, draws, generator: globalGenerator?.state ?? null }
}

/** Goes on as from the moment when `randomState` was asked. */
export function restoreRandomState(state: RandomState): void {
  globalSeed = state.seed ?? undefined
  draws = state.draws
  if (state.generator === null) return
  const value = state.generator instanceof Variable ? state.generator.uncastValue : state.generator
  // Compiled functions may hold its Variable: the generator stays, only its state changes.
  globalGenerator ??= new SeedGenerator(0)
  globalGenerator.state.assign(value)
}

/** A number gives the same values each time; a generator (or nothing: the global one) new ones. */
export type Seed = number | SeedGenerator | null | undefined

export function keyOf(seed: Seed): Tensor {
  if (seed instanceof SeedGenerator) return seed.next()
  if (typeof seed === 'number') return lax.constant(Int32Array.of(seed | 0, 0), [2], 'int32')
  globalGenerator ??= new SeedGenerator()
  return globalGenerator.next()
}

/** 24 random bits as a float32 in [0, 1). */
function unit(shape: Shape, seed: Seed): Tensor {
  const bits = lax.randomBits(keyOf(seed), shape)
  return withNumber(lax.cast(withNumber(bits, lax.shiftRightLogical, 8), 'float32'), lax.mul, 2 ** -24)
}

/** In (-1, 1), symmetric, never at an end. */
function symmetric(shape: Shape, seed: Seed): Tensor {
  const bits = lax.randomBits(keyOf(seed), shape)
  const centred = withNumber(lax.cast(withNumber(bits, lax.shiftRightLogical, 9), 'float32'), lax.add, 0.5)
  return withNumber(withNumber(centred, lax.mul, 2 ** -22), lax.sub, 1)
}

const requireFloat = (dtype: DType, where: string): void => {
  if (!isFloat(dtype))
    throw new DTypeError({ where, problem: 'this distribution is continuous', expected: 'a float dtype', received: dtype })
}

export interface RandomOptions {
  dtype?: DType
  seed?: Seed
}

/** Uniform in [minval, maxval). */
export function uniform(
  shape: Shape,
  { minval = 0, maxval = 1, dtype = floatx(), seed }: RandomOptions & { minval?: number; maxval?: number } = {},
): Tensor {
  requireFloat(dtype, 'random.uniform')
  const scaled = withNumber(unit(shape, seed), lax.mul, maxval - minval)
  return lax.cast(minval === 0 ? scaled : withNumber(scaled, lax.add, minval), dtype)
}

/** Gaussian. */
export function normal(
  shape: Shape,
  { mean = 0, stddev = 1, dtype = floatx(), seed }: RandomOptions & { mean?: number; stddev?: number } = {},
): Tensor {
  requireFloat(dtype, 'random.normal')
  const scaled = withNumber(lax.unary.erfInv(symmetric(shape, seed)), lax.mul, Math.SQRT2 * stddev)
  return lax.cast(mean === 0 ? scaled : withNumber(scaled, lax.add, mean), dtype)
}

/** erf(√2): the share of a Gaussian within two standard deviations. */
const WITHIN_TWO = 0.9544997361036416

/** Gaussian cut at two standard deviations from the mean. */
export function truncatedNormal(
  shape: Shape,
  { mean = 0, stddev = 1, dtype = floatx(), seed }: RandomOptions & { mean?: number; stddev?: number } = {},
): Tensor {
  requireFloat(dtype, 'random.truncatedNormal')
  const inside = lax.unary.erfInv(withNumber(symmetric(shape, seed), lax.mul, WITHIN_TWO))
  const scaled = withNumber(inside, lax.mul, Math.SQRT2 * stddev)
  return lax.cast(mean === 0 ? scaled : withNumber(scaled, lax.add, mean), dtype)
}

/** Whole numbers in [minval, maxval). */
export function randint(shape: Shape, minval: number, maxval: number, { dtype = 'int32', seed }: RandomOptions = {}): Tensor {
  const range = maxval - minval
  if (!(range > 0) || range > 2147483647)
    throw new ValueError({
      where: 'random.randint',
      problem: 'maxval must be greater than minval, and their difference fit int32',
      received: `[${minval}, ${maxval})`,
    })
  const bits = withNumber(lax.randomBits(keyOf(seed), shape), lax.shiftRightLogical, 1)
  return lax.cast(withNumber(withNumber(bits, lax.mod, range), lax.add, minval), dtype)
}

/** true with the given probability: (…) bool. */
export const bernoulli = (shape: Shape, probability: number, seed?: Seed): Tensor => withNumber(unit(shape, seed), lax.lt, probability)

export interface DropoutOptions {
  /** Shape of the mask, broadcast to x; `null` takes x's size. */
  noiseShape?: readonly (number | null)[] | null
  seed?: Seed
}

/** Zeroes elements with probability `rate` and scales the others by 1 / (1 - rate). */
export function dropout(input: TensorLike, rate: number, { noiseShape, seed }: DropoutOptions = {}): Tensor {
  if (!(rate >= 0 && rate <= 1))
    throw new ValueError({ where: 'random.dropout', problem: 'the rate must be between 0 and 1', received: String(rate) })
  const x = toFloat(input)
  if (rate === 0) return x
  if (rate === 1) return lax.mul(x, lax.zerosLike(x))
  const shape = noiseShape?.map((size, axis) => size ?? (x.shape[axis] as number)) ?? x.shape
  const fits = shape.length === x.rank && shape.every((size, axis) => size === 1 || size === x.shape[axis])
  if (!fits)
    throw new ShapeError({
      where: 'random.dropout',
      problem: 'noiseShape does not broadcast to the input',
      expected: formatShape(x.shape),
      received: formatShape(shape),
    })
  const keeps = lax.broadcastTo(bernoulli(shape, 1 - rate, seed), x.shape)
  return lax.select(keeps, withNumber(x, lax.mul, 1 / (1 - rate)), lax.zerosLike(x))
}

/** Elements along `axis` in random order. */
export function shuffle(input: TensorLike, { axis = 0, seed }: { axis?: number; seed?: Seed } = {}): Tensor {
  const x = asTensor(input)
  const [, order] = lax.sort(lax.randomBits(keyOf(seed), [x.shape[axis] as number]), 0)
  return lax.gather(x, order, axis)
}

/** Draws classes from rows of logits: (batch, classes) → (batch, numSamples). */
export function categorical(input: TensorLike, numSamples: number, { dtype = 'int32', seed }: RandomOptions = {}): Tensor {
  const logits = stopGradient(toFloat(input))
  const [rows, classes] = logits.shape as [number, number]
  const shape = [rows, numSamples, classes]
  // Gumbel's trick: the argmax of logits plus -log(-log u).
  const u = withNumber(withNumber(symmetric(shape, seed), lax.mul, 0.5), lax.add, 0.5)
  const noise = lax.neg(lax.log(lax.neg(lax.log(u))))
  return lax.cast(lax.argMax(lax.add(lax.broadcast(logits, shape, [0, 2]), lax.cast(noise, logits.dtype)), 2), dtype)
}
