/** Initializers without chance: zeros, ones, one number, the identity matrix. */
import type { DType } from '../core/dtype.js'
import { ShapeError } from '../core/errors.js'
import { byName } from '../core/positional.js'
import { formatShape, type Shape } from '../core/shape.js'
import type { Tensor } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { Initializer } from './initializer.js'

/** Numbers that depend on nothing. */
abstract class Fixed extends Initializer {
  override get canWait(): boolean {
    return true
  }
}

export class Zeros extends Fixed {
  override make(shape: Shape, dtype: DType): Tensor {
    return ops.zeros(shape, dtype)
  }
}

export class Ones extends Fixed {
  override make(shape: Shape, dtype: DType): Tensor {
    return ops.ones(shape, dtype)
  }
}

export class Constant extends Fixed {
  static readonly positional = ['value']

  readonly value: number

  /** By position or by name. */
  constructor(value: number | { readonly value?: number } = 0) {
    super()
    this.value = byName<{ value?: number }>(['value'], [value]).value ?? 0
  }

  override make(shape: Shape, dtype: DType): Tensor {
    return ops.full(shape, this.value, dtype)
  }

  override getConfig(): Record<string, unknown> {
    return { value: this.value }
  }
}

/** `gain` on the diagonal of a matrix. */
export class Identity extends Initializer {
  static readonly positional = ['gain']

  readonly gain: number

  /** By position or by name. */
  constructor(gain: number | { readonly gain?: number } = 1) {
    super()
    this.gain = byName<{ gain?: number }>(['gain'], [gain]).gain ?? 1
  }

  override make(shape: Shape, dtype: DType): Tensor {
    if (shape.length !== 2)
      throw new ShapeError({
        where: 'initializers.Identity',
        problem: 'only a matrix can be an identity',
        received: `shape ${formatShape(shape)}`,
      })
    const [rows, columns] = shape as [number, number]
    return ops.cast(ops.multiply(ops.eye(rows, columns, 0, dtype), this.gain), dtype)
  }

  override getConfig(): Record<string, unknown> {
    return { gain: this.gain }
  }
}
