/** Initializers: `keras.initializers`. Every class also has a camelCase factory. */

import { Catalog } from '../core/catalog.js'
import { type CustomObjects, customObjectScope } from '../core/custom-objects.js'
import type { DType } from '../core/dtype.js'
import { ShapeError } from '../core/errors.js'
import { formatShape, type Shape, sameShape } from '../core/shape.js'
import type { NameOf, SerializedObject } from '../core/spelling.js'
import { lax, Tensor } from '../engine/index.js'
import { Constant, Identity, Ones, Zeros } from './constant.js'
import { Initializer } from './initializer.js'
import { Orthogonal } from './orthogonal.js'
import { RandomNormal, RandomUniform, TruncatedNormal } from './random.js'
import { STFT } from './stft.js'
import { GlorotNormal, GlorotUniform, HeNormal, HeUniform, LecunNormal, LecunUniform, VarianceScaling } from './variance-scaling.js'

export { Constant, Identity, Ones, Zeros } from './constant.js'
export { Initializer, RandomInitializer, type SeedOptions } from './initializer.js'
export { Orthogonal } from './orthogonal.js'
export { RandomNormal, RandomUniform, TruncatedNormal } from './random.js'
export { STFT, type STFTOptions, type WindowLike } from './stft.js'
export { GlorotNormal, GlorotUniform, HeNormal, HeUniform, LecunNormal, LecunUniform, VarianceScaling } from './variance-scaling.js'

/** A function of shape and dtype that makes a first value. */
export type InitializerFunction = (shape: Shape, dtype?: DType) => Tensor
/** What layers take as an initializer. */
export type InitializerLike = InitializerName | Initializer | InitializerFunction | Tensor | SerializedObject

export type InitializerName = NameOf<
  | 'glorot_normal'
  | 'glorot_uniform'
  | 'he_normal'
  | 'he_uniform'
  | 'lecun_normal'
  | 'lecun_uniform'
  | 'identity'
  | 'ones'
  | 'orthogonal'
  | 'random_normal'
  | 'random_uniform'
  | 'stft'
  | 'truncated_normal'
  | 'variance_scaling'
  | 'zeros'
>

const CLASSES = {
  Constant,
  GlorotNormal,
  GlorotUniform,
  HeNormal,
  HeUniform,
  Identity,
  LecunNormal,
  LecunUniform,
  Ones,
  Orthogonal,
  RandomNormal,
  RandomUniform,
  STFT,
  TruncatedNormal,
  VarianceScaling,
  Zeros,
}
const ALIASES = {
  normal: 'RandomNormal',
  one: 'Ones',
  uniform: 'RandomUniform',
  zero: 'Zeros',
  IdentityInitializer: 'Identity',
  OrthogonalInitializer: 'Orthogonal',
  STFTInitializer: 'STFT',
  stft: 'STFT',
}
const catalog = new Catalog<Initializer>('initializer', 'keras.initializers', CLASSES, ALIASES)

/** An initializer by name, from a config, or from a function or tensor of your own. */
export function get(identifier: InitializerLike): Initializer
export function get(identifier: unknown): Initializer | null
export function get(identifier: unknown): Initializer | null {
  if (identifier === null || identifier === undefined) return null
  if (identifier instanceof Initializer) return identifier
  if (catalog.isDescription(identifier)) return get(catalog.make(identifier))
  if (identifier instanceof Tensor) return new FunctionInitializer((shape, dtype) => given(identifier, shape, dtype))
  if (typeof identifier === 'function') return new FunctionInitializer(identifier as InitializerFunction)
  return catalog.refuse(identifier)
}

/** As Keras writes it to files. */
export const serialize = (initializer: Initializer | null): SerializedObject | null =>
  initializer === null ? null : catalog.serialize(initializer)
export const deserialize = (description: SerializedObject | string, customObjects: CustomObjects = {}): Initializer =>
  customObjectScope(customObjects, () => catalog.make(description))

function given(value: Tensor, shape: Shape, dtype: DType): Tensor {
  if (sameShape(shape, value.shape)) return lax.cast(value, dtype)
  throw new ShapeError({
    where: 'initializers',
    problem: 'the tensor given as initializer has another shape than the weight',
    expected: formatShape(shape),
    received: formatShape(value.shape),
  })
}

/** An initializer around a function. */
class FunctionInitializer extends Initializer {
  constructor(readonly fn: (shape: Shape, dtype: DType) => Tensor) {
    super()
  }

  override make(shape: Shape, dtype: DType): Tensor {
    return this.fn(shape, dtype)
  }
}

type Arguments<C extends abstract new (...args: never[]) => unknown> = ConstructorParameters<C>

export const zeros = (): Zeros => new Zeros()
export const ones = (): Ones => new Ones()
export const constant = (...args: Arguments<typeof Constant>): Constant => new Constant(...args)
export const identity = (...args: Arguments<typeof Identity>): Identity => new Identity(...args)
export const orthogonal = (...args: Arguments<typeof Orthogonal>): Orthogonal => new Orthogonal(...args)
export const randomNormal = (...args: Arguments<typeof RandomNormal>): RandomNormal => new RandomNormal(...args)
export const randomUniform = (...args: Arguments<typeof RandomUniform>): RandomUniform => new RandomUniform(...args)
export const stft = (...args: Arguments<typeof STFT>): STFT => new STFT(...args)
export const truncatedNormal = (...args: Arguments<typeof TruncatedNormal>): TruncatedNormal => new TruncatedNormal(...args)
export const varianceScaling = (...args: Arguments<typeof VarianceScaling>): VarianceScaling => new VarianceScaling(...args)
export const glorotNormal = (...args: Arguments<typeof GlorotNormal>): GlorotNormal => new GlorotNormal(...args)
export const glorotUniform = (...args: Arguments<typeof GlorotUniform>): GlorotUniform => new GlorotUniform(...args)
export const heNormal = (...args: Arguments<typeof HeNormal>): HeNormal => new HeNormal(...args)
export const heUniform = (...args: Arguments<typeof HeUniform>): HeUniform => new HeUniform(...args)
export const lecunNormal = (...args: Arguments<typeof LecunNormal>): LecunNormal => new LecunNormal(...args)
export const lecunUniform = (...args: Arguments<typeof LecunUniform>): LecunUniform => new LecunUniform(...args)
