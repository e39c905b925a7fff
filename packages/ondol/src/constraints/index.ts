/** Projections of weights, applied after each update: `keras.constraints`. */

import { Callable, INVOKE } from '../core/callable.js'
import { Catalog } from '../core/catalog.js'
import { type CustomObjects, customObjectScope } from '../core/custom-objects.js'
import { refuseUnknownOptions } from '../core/known-options.js'
import { byName } from '../core/positional.js'
import type { NameOf, SerializedObject } from '../core/spelling.js'
import type { Tensor } from '../engine/index.js'
import { epsilon } from '../ops/config.js'
import { asTensor, type TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'

export interface Constraint {
  /** The projected weight. */
  // biome-ignore lint/style/useShorthandFunctionType: merges with the class
  (w: TensorLike): Tensor
}

/**
 * @example
 * class Halved extends constraints.Constraint {
 *   override project(w: Tensor) { return ops.multiply(w, 0.5) }
 * }
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: instances are callable
export abstract class Constraint extends Callable {
  /** What a call gives. */
  abstract project(w: Tensor): Tensor

  getConfig(): Record<string, unknown> {
    return {}
  }

  override [INVOKE](...args: unknown[]): Tensor {
    return this.project(asTensor(args[0] as TensorLike))
  }
}

type Axis = number | readonly number[]

interface AxisOptions {
  /** Axes of one unit's weights: 0 for a dense kernel, [0, 1, 2] for a 2D convolution's. */
  readonly axis?: Axis
}

const normOf = (w: Tensor, axis: Axis): Tensor => ops.sqrt(ops.sum(ops.square(w), { axis, keepdims: true }))
/** w with its norms replaced by `desired`. */
const rescale = (w: Tensor, norms: Tensor, desired: Tensor): Tensor => ops.multiply(w, ops.divide(desired, ops.add(norms, epsilon())))

/** Each unit's weights have a norm of at most `maxValue`. */
export class MaxNorm extends Constraint {
  static readonly positional = ['maxValue']
  readonly maxValue: number
  readonly axis: Axis

  constructor(maxValue?: number, options?: AxisOptions)
  constructor(options: AxisOptions & { readonly maxValue?: number })
  constructor(...args: readonly unknown[]) {
    super()
    const { maxValue = 2, axis = 0 } = byName<AxisOptions & { readonly maxValue?: number }>(['maxValue'], args)
    this.maxValue = maxValue
    this.axis = axis
  }

  override project(w: Tensor): Tensor {
    const norms = normOf(w, this.axis)
    return rescale(w, norms, ops.clip(norms, 0, this.maxValue))
  }

  override getConfig(): Record<string, unknown> {
    return { max_value: this.maxValue, axis: this.axis }
  }
}

/** No weight below 0. */
export class NonNeg extends Constraint {
  override project(w: Tensor): Tensor {
    return ops.maximum(w, 0)
  }
}

/** Each unit's weights have norm 1. */
export class UnitNorm extends Constraint {
  readonly axis: Axis

  constructor({ axis = 0, ...rest }: AxisOptions = {}) {
    super()
    refuseUnknownOptions('constraints.UnitNorm', rest, [], ['axis'])
    this.axis = axis
  }

  override project(w: Tensor): Tensor {
    return ops.divide(w, ops.add(normOf(w, this.axis), epsilon()))
  }

  override getConfig(): Record<string, unknown> {
    return { axis: this.axis }
  }
}

interface MinMaxNormOptions extends AxisOptions {
  readonly minValue?: number
  readonly maxValue?: number
  /** How far to go at each step: 1 goes all the way. */
  readonly rate?: number
}

/** Each unit's weights have a norm between two bounds. */
export class MinMaxNorm extends Constraint {
  readonly minValue: number
  readonly maxValue: number
  readonly rate: number
  readonly axis: Axis

  constructor({ minValue = 0, maxValue = 1, rate = 1, axis = 0, ...rest }: MinMaxNormOptions = {}) {
    super()
    refuseUnknownOptions('constraints.MinMaxNorm', rest, [], ['minValue', 'maxValue', 'rate', 'axis'])
    this.minValue = minValue
    this.maxValue = maxValue
    this.rate = rate
    this.axis = axis
  }

  override project(w: Tensor): Tensor {
    const norms = normOf(w, this.axis)
    const bounded = ops.multiply(ops.clip(norms, this.minValue, this.maxValue), this.rate)
    return rescale(w, norms, ops.add(bounded, ops.multiply(norms, 1 - this.rate)))
  }

  override getConfig(): Record<string, unknown> {
    return { min_value: this.minValue, max_value: this.maxValue, rate: this.rate, axis: this.axis }
  }
}

/** What layers take as a constraint. */
export type ConstraintLike =
  | NameOf<'max_norm' | 'min_max_norm' | 'non_neg' | 'unit_norm'>
  | Constraint
  | ((w: Tensor) => Tensor)
  | SerializedObject
  | null

const catalog = new Catalog<Constraint>('constraint', 'keras.constraints', { MaxNorm, MinMaxNorm, NonNeg, UnitNorm })

/** A constraint by name (`'non_neg'`), from a config, or from a function of your own. */
export function get(identifier: unknown): Constraint | null {
  if (identifier === null || identifier === undefined) return null
  if (identifier instanceof Constraint) return identifier
  if (catalog.isDescription(identifier)) return get(catalog.make(identifier))
  if (typeof identifier === 'function') return new FunctionConstraint(identifier as (w: Tensor) => Tensor)
  return catalog.refuse(identifier)
}

/** As Keras writes it to files. */
export const serialize = (constraint: Constraint | null): SerializedObject | null =>
  constraint === null ? null : catalog.serialize(constraint)
export const deserialize = (description: SerializedObject | string, customObjects: CustomObjects = {}): Constraint =>
  customObjectScope(customObjects, () => catalog.make(description))

/** A constraint around a function. */
class FunctionConstraint extends Constraint {
  constructor(readonly fn: (w: Tensor) => Tensor) {
    super()
  }

  override project(w: Tensor): Tensor {
    return this.fn(w)
  }
}

export const maxNorm = (maxValue?: number, options?: AxisOptions): MaxNorm => new MaxNorm(maxValue, options)
export const minMaxNorm = (options?: MinMaxNormOptions): MinMaxNorm => new MinMaxNorm(options)
export const nonNeg = (): NonNeg => new NonNeg()
export const unitNorm = (options?: AxisOptions): UnitNorm => new UnitNorm(options)
