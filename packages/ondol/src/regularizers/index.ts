/** Penalties on weights and outputs: `keras.regularizers`. */

import { Callable, INVOKE } from '../core/callable.js'
import { Catalog } from '../core/catalog.js'
import { type CustomObjects, customObjectScope } from '../core/custom-objects.js'
import { ShapeError, ValueError } from '../core/errors.js'
import { refuseUnknownOptions } from '../core/known-options.js'
import { byName } from '../core/positional.js'
import { formatShape } from '../core/shape.js'
import type { NameOf, SerializedObject } from '../core/spelling.js'
import type { Tensor } from '../engine/index.js'
import { asTensor, type TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'

export interface Regularizer {
  /** The penalty: a scalar. */
  // biome-ignore lint/style/useShorthandFunctionType: merges with the class
  (x: TensorLike): Tensor
}

/**
 * @example
 * class Smooth extends regularizers.Regularizer {
 *   override penalty(x: Tensor) { return ops.multiply(0.01, ops.sum(ops.abs(x))) }
 * }
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: instances are callable
export abstract class Regularizer extends Callable {
  /** What a call gives. */
  abstract penalty(x: Tensor): Tensor

  getConfig(): Record<string, unknown> {
    return {}
  }

  override [INVOKE](...args: unknown[]): Tensor {
    return this.penalty(asTensor(args[0] as TensorLike))
  }
}

function requireFactor(value: number, name: string): number {
  if (Number.isFinite(value) && value >= 0) return value
  throw new ValueError({ where: 'regularizers', problem: `${name} must be a number of at least 0`, received: `${name}=${String(value)}` })
}

const absoluteSum = (x: Tensor): Tensor => ops.sum(ops.absolute(x))
const squareSum = (x: Tensor): Tensor => ops.sum(ops.square(x))
const scaled = (factor: number, x: Tensor): Tensor => ops.cast(ops.multiply(x, factor), x.dtype)

/** l1 · Σ|x| */
export class L1 extends Regularizer {
  static readonly positional = ['l1']
  readonly l1: number

  constructor(l1?: number)
  constructor(options: { readonly l1?: number })
  constructor(...args: readonly unknown[]) {
    super()
    this.l1 = requireFactor(byName<{ l1?: number }>(['l1'], args).l1 ?? 0.01, 'l1')
  }

  override penalty(x: Tensor): Tensor {
    return scaled(this.l1, absoluteSum(x))
  }

  override getConfig(): Record<string, unknown> {
    return { l1: this.l1 }
  }
}

/** l2 · Σx² */
export class L2 extends Regularizer {
  static readonly positional = ['l2']
  readonly l2: number

  constructor(l2?: number)
  constructor(options: { readonly l2?: number })
  constructor(...args: readonly unknown[]) {
    super()
    this.l2 = requireFactor(byName<{ l2?: number }>(['l2'], args).l2 ?? 0.01, 'l2')
  }

  override penalty(x: Tensor): Tensor {
    return scaled(this.l2, squareSum(x))
  }

  override getConfig(): Record<string, unknown> {
    return { l2: this.l2 }
  }
}

/** l1 · Σ|x| + l2 · Σx² */
export class L1L2 extends Regularizer {
  readonly l1: number
  readonly l2: number

  constructor(l1: number, l2?: number)
  constructor(options?: { readonly l1?: number; readonly l2?: number })
  constructor(...args: readonly unknown[]) {
    super()
    const { l1 = 0, l2 = 0 } = byName<{ l1?: number; l2?: number }>(['l1', 'l2'], args)
    this.l1 = requireFactor(l1, 'l1')
    this.l2 = requireFactor(l2, 'l2')
  }

  override penalty(x: Tensor): Tensor {
    const terms = [...(this.l1 > 0 ? [scaled(this.l1, absoluteSum(x))] : []), ...(this.l2 > 0 ? [scaled(this.l2, squareSum(x))] : [])]
    return terms.length === 0 ? ops.zeros([], x.dtype) : terms.reduce((a, b) => ops.add(a, b))
  }

  override getConfig(): Record<string, unknown> {
    return { l1: this.l1, l2: this.l2 }
  }
}

/** Pushes the rows (or columns) of a matrix towards being orthogonal: factor · mean |cosine| of different ones. */
export class OrthogonalRegularizer extends Regularizer {
  readonly factor: number
  readonly mode: 'rows' | 'columns'

  constructor({ factor = 0.01, mode = 'rows', ...rest }: { readonly factor?: number; readonly mode?: 'rows' | 'columns' } = {}) {
    super()
    refuseUnknownOptions('regularizers.OrthogonalRegularizer', rest, [], ['factor', 'mode'])
    this.factor = requireFactor(factor, 'factor')
    if (mode !== 'rows' && mode !== 'columns')
      throw new ValueError({
        where: 'regularizers.OrthogonalRegularizer',
        problem: 'unknown mode',
        expected: "'rows' or 'columns'",
        received: String(mode),
      })
    this.mode = mode
  }

  override penalty(x: Tensor): Tensor {
    if (x.rank !== 2)
      throw new ShapeError({
        where: 'regularizers.OrthogonalRegularizer',
        problem: 'only matrices are orthogonal',
        received: `shape ${formatShape(x.shape)}`,
      })
    const rows = this.mode === 'rows' ? x : ops.transpose(x)
    // As keras.utils.normalize: a norm of 0 counts as 1e-12 squared.
    const norms = ops.sqrt(ops.maximum(ops.sum(ops.square(rows), { axis: 1, keepdims: true }), 1e-12))
    const unit = ops.divide(rows, norms)
    const count = rows.shape[0] as number
    const others = ops.multiply(ops.matmul(unit, ops.transpose(unit)), ops.subtract(1, ops.eye(count, count, 0, x.dtype)))
    return scaled((this.factor * 0.5) / ((count * (count - 1)) / 2), absoluteSum(others))
  }

  override getConfig(): Record<string, unknown> {
    return { factor: this.factor, mode: this.mode }
  }
}

/** What layers take as a regularizer. */
export type RegularizerLike =
  | NameOf<'l1' | 'l2' | 'l1_l2' | 'orthogonal_regularizer'>
  | Regularizer
  | ((x: Tensor) => Tensor)
  | SerializedObject
  | null

const catalog = new Catalog<Regularizer>('regularizer', 'keras.regularizers', { L1, L2, L1L2, OrthogonalRegularizer })

/** A regularizer by name (`'l2'`), from a config, or from a function of your own. */
export function get(identifier: unknown): Regularizer | null {
  if (identifier === null || identifier === undefined) return null
  if (identifier instanceof Regularizer) return identifier
  if (catalog.isDescription(identifier)) return get(catalog.make(identifier))
  if (typeof identifier === 'function') return new FunctionRegularizer(identifier as (x: Tensor) => Tensor)
  return catalog.refuse(identifier)
}

/** As Keras writes it to files. */
export const serialize = (regularizer: Regularizer | null): SerializedObject | null =>
  regularizer === null ? null : catalog.serialize(regularizer)
export const deserialize = (description: SerializedObject | string, customObjects: CustomObjects = {}): Regularizer =>
  customObjectScope(customObjects, () => catalog.make(description))

/** A regularizer around a function. */
class FunctionRegularizer extends Regularizer {
  constructor(readonly fn: (x: Tensor) => Tensor) {
    super()
  }

  override penalty(x: Tensor): Tensor {
    return this.fn(x)
  }
}

export const l1 = (factor?: number): L1 => new L1(factor)
export const l2 = (factor?: number): L2 => new L2(factor)
export const l1L2 = (options?: { readonly l1?: number; readonly l2?: number }): L1L2 => new L1L2(options)
export const orthogonalRegularizer = (options?: { readonly factor?: number; readonly mode?: 'rows' | 'columns' }): OrthogonalRegularizer =>
  new OrthogonalRegularizer(options)
