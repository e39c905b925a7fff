/** Where data enters a model: `Input` makes a symbolic tensor. Follows `keras/src/layers/core/input_layer.py`. */
import { type DType, isDType, storedDType } from '../core/dtype.js'
import { DTypeError, GraphError, ValueError } from '../core/errors.js'
import { byName } from '../core/positional.js'
import type { PartialShape } from '../core/shape.js'
import { floatx } from '../ops/config.js'
import { isSymbolic, KerasTensor, recordCall } from '../ops/operation.js'
import { Layer } from './layer.js'

export interface InputOptions {
  /** Without the batch; `null` where the size is not known. */
  readonly shape?: PartialShape | undefined
  readonly batchSize?: number | null | undefined
  /** With the batch, instead of `shape` and `batchSize`. */
  readonly batchShape?: PartialShape | undefined
  /** Default `config.floatx()`. */
  readonly dtype?: DType | undefined
  readonly name?: string | undefined
  /** Whether `null` may be given in its place. */
  readonly optional?: boolean | undefined
  /** Wraps this symbolic tensor instead of making one. */
  readonly tensor?: KerasTensor | undefined
}

/** A symbolic tensor whose name is known when the program is written: data for it can be given by name. */
export type SymbolicInput<Name extends string = string> = string extends Name ? KerasTensor : KerasTensor & { readonly name: Name }

/** The layer behind an `Input`: it has one call, without arguments. */
export class InputLayer extends Layer {
  static override readonly className: string = 'InputLayer'
  static override readonly isStateless: boolean = true
  readonly batchShape: PartialShape
  readonly optional: boolean
  readonly #dtype: DType

  /** @throws ValueError without a shape, or with two. */
  constructor({
    shape,
    batchSize,
    batchShape,
    dtype,
    name,
    optional = false,
    tensor,
    ...rest
  }: InputOptions & { readonly sparse?: boolean; readonly ragged?: boolean } = {}) {
    super({ name })
    const where = this.name
    if (rest.sparse === true || rest.ragged === true)
      throw new ValueError({ where, problem: 'sparse and ragged inputs do not exist here', hint: 'pad to one length and use a mask' })
    const unknown = Object.keys(rest).find((key) => key !== 'sparse' && key !== 'ragged')
    if (unknown !== undefined)
      throw new ValueError({
        where,
        problem: `there is no option '${unknown}'`,
        expected: 'shape, batchSize, batchShape, dtype, name, optional, tensor',
      })
    if (tensor !== undefined && !isSymbolic(tensor))
      throw new GraphError({ where, problem: 'tensor must be symbolic', received: String(tensor) })
    if (batchShape !== undefined && (shape !== undefined || (batchSize !== undefined && batchSize !== null))) {
      throw new ValueError({
        where,
        problem: 'batchShape already says what shape and batchSize say',
        hint: 'give either shape (and batchSize), or batchShape',
      })
    }
    const found = tensor?.shape ?? batchShape ?? (shape === undefined ? undefined : [batchSize ?? null, ...shape])
    if (found === undefined)
      throw new ValueError({
        where,
        problem: 'an input needs a shape',
        hint: 'Input({ shape: [28, 28, 1] }): without the batch, null where the size is not known',
      })
    if (!found.every((size) => size === null || (Number.isInteger(size) && size >= 0))) {
      throw new ValueError({ where, problem: 'sizes must be whole numbers, or null', received: JSON.stringify(found) })
    }
    this.batchShape = [...found]
    this.optional = optional
    this.#dtype = tensor?.dtype ?? dtype ?? floatx()
    if (!isDType(this.#dtype)) throw new DTypeError({ where, problem: 'unknown dtype', received: String(dtype) })
    const output = tensor ?? new KerasTensor(this.batchShape, { dtype: this.#dtype, name: this.name })
    recordCall(this, [], {}, output)
  }

  override get dtype(): DType {
    return this.#dtype
  }

  override getConfig(): Record<string, unknown> {
    return { batch_shape: this.batchShape, dtype: this.#dtype, sparse: false, ragged: false, name: this.name, optional: this.optional }
  }

  static override fromConfig(config: Readonly<Record<string, unknown>>): InputLayer {
    const shape = (config.batch_shape ?? config.batch_input_shape) as PartialShape
    return new InputLayer({
      batchShape: shape,
      dtype: storedDType(config.dtype) ?? (config.dtype as DType),
      name: config.name as string,
      optional: config.optional === true,
      sparse: config.sparse === true,
      ragged: config.ragged === true,
    })
  }
}

/**
 * A symbolic tensor where data enters a model.
 *
 * @example
 * const image = Input([28, 28, 1]) // or Input({ shape: [28, 28, 1] })
 * const words = Input({ shape: [null], dtype: 'int32', name: 'words' })
 */
export function Input<const Name extends string = string>(options: InputOptions & { readonly name?: Name | undefined }): SymbolicInput<Name>
export function Input<const Name extends string = string>(
  shape: PartialShape,
  options?: Omit<InputOptions, 'shape'> & { readonly name?: Name | undefined },
): SymbolicInput<Name>
export function Input(...args: readonly unknown[]): KerasTensor {
  return new InputLayer(byName<InputOptions>(['shape', 'batchSize'], args)).output as KerasTensor
}
/** As `Input`, but the layer. */
export const inputLayer = (options: InputOptions): InputLayer => new InputLayer(options)
