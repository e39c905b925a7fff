/** Activation functions by name: `keras.activations`. */
import { type CustomObjects, customObjectScope } from '../core/custom-objects.js'
import { ValueError } from '../core/errors.js'
import { Registry } from '../core/registry.js'
import { customFor, describeFunction } from '../core/serialized.js'
import { isSerializedObject, type NameOf, type SerializedObject } from '../core/spelling.js'
import type { Tensor } from '../engine/index.js'
import * as functions from './functions.js'

export * from './functions.js'

/** A function from a tensor to one of the same shape. */
export type Activation = (x: Tensor) => Tensor
/** What layers take as an activation. */
export type ActivationLike = NameOf<keyof typeof NAMED | 'swish' | 'hard_swish'> | Activation | SerializedObject | null

const {
  linear,
  relu,
  relu6,
  leakyRelu,
  elu,
  celu,
  selu,
  softplus,
  softsign,
  sigmoid,
  logSigmoid,
  hardSigmoid,
  tanh,
  hardTanh,
  tanhShrink,
  hardShrink,
  softShrink,
  silu,
  hardSilu,
  gelu,
  mish,
  exponential,
  softmax,
  logSoftmax,
  glu,
  sparsePlus,
  sparseSigmoid,
  sparsemax,
  squareplus,
  threshold,
} = functions

/** By Keras's name. */
const NAMED = {
  linear, relu, relu6, leaky_relu: leakyRelu, elu, celu, selu, softplus, softsign, sigmoid, log_sigmoid: logSigmoid, hard_sigmoid: hardSigmoid,
  tanh, hard_tanh: hardTanh, tanh_shrink: tanhShrink, hard_shrink: hardShrink, soft_shrink: softShrink,
  silu, hard_silu: hardSilu, gelu, mish, exponential, softmax, log_softmax: logSoftmax,
  glu, sparse_plus: sparsePlus, sparse_sigmoid: sparseSigmoid, sparsemax, squareplus, threshold,
} as const // biome-ignore format: one row a family

const registry = new Registry<Activation>('activation', NAMED as Readonly<Record<string, Activation>>)
registry.add('silu', silu, 'swish')
registry.add('hard_silu', hardSilu, 'hard_swish')

const names = new Map<unknown, string>(Object.entries(NAMED).map(([name, fn]) => [fn, name]))

/**
 * An activation by name (`'relu'`, `'log_softmax'`, `'logSoftmax'`), from a config, or a function of your own;
 * nothing means `linear`.
 *
 * @throws ValueError that offers the nearest names.
 */
export function get(identifier: unknown): Activation {
  if (identifier === null || identifier === undefined) return linear as Activation
  if (typeof identifier === 'function') return identifier as Activation
  const custom = typeof identifier === 'string' || isSerializedObject(identifier) ? customFor(identifier) : undefined
  if (custom !== undefined) return custom as Activation
  if (typeof identifier === 'string') return registry.get(identifier)
  // As an object: { module: 'builtins', class_name: 'function', config: 'relu' }.
  if (isSerializedObject(identifier))
    return registry.get(String(identifier.class_name === 'function' ? identifier.config : identifier.class_name))
  throw new ValueError({ problem: 'this is no activation', expected: 'a name or a function', received: String(identifier) })
}

/** Its name, as Keras writes it to files; for a function of your own the description of a registered one. */
export function serialize(activation: Activation): string | SerializedObject {
  const name = names.get(activation)
  if (name !== undefined) return name
  return describeFunction(activation)
}

/** The activation that `serialize` described. */
export const deserialize = (description: unknown, customObjects: CustomObjects = {}): Activation =>
  customObjectScope(customObjects, () => get(description))
