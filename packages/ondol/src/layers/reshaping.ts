/** Layers that move elements around: flatten, reshape, permute, repeat. Follows `keras/src/layers/reshaping`. */
import { ValueError } from '../core/errors.js'
import { sizeOf } from '../core/shape.js'
import type { Tensor } from '../engine/index.js'
import { type DataFormat, requireDataFormat } from '../ops/config.js'
import * as ops from '../ops/index.js'
import { resolveShape } from '../ops/shape.js'
import type { ConfigTable } from './config-table.js'
import { InputSpec } from './input-spec.js'
import { Layer, type LayerOptions } from './layer.js'
import { requirePositive } from './options.js'

interface DataFormatOptions extends LayerOptions {
  /** Default `config.imageDataFormat()`. */
  readonly dataFormat?: DataFormat | null | undefined
}

/** (batch, …) → (batch, all of it). With channels first they come last before. */
export class Flatten extends Layer {
  static override readonly className: string = 'Flatten'
  static override readonly configTable: ConfigTable = { dataFormat: 'value' }
  readonly dataFormat: DataFormat

  constructor({ dataFormat, ...options }: DataFormatOptions = {}) {
    super(options)
    this.dataFormat = requireDataFormat(dataFormat, this.name)
    this.inputSpec = new InputSpec({ minNdim: 1 })
  }

  override call(inputs: Tensor): Tensor {
    const x = this.dataFormat === 'channels_first' && inputs.rank > 1 ? ops.moveaxis(inputs, 1, -1) : inputs
    return ops.reshape(x, [x.shape[0] as number, sizeOf(x.shape.slice(1))])
  }
}

/** (batch, …) → (batch, …targetShape), where one size may be -1: whatever is left. */
export class Reshape extends Layer {
  static override readonly className: string = 'Reshape'
  static override readonly isStateless: boolean = true
  static override readonly positional: readonly string[] = ['targetShape']
  static override readonly configTable: ConfigTable = { targetShape: 'value' }
  readonly targetShape: readonly number[]

  constructor(targetShape: readonly number[], options: LayerOptions = {}) {
    super(options)
    if (!targetShape.every((size) => Number.isInteger(size) && size >= -1) || targetShape.filter((size) => size === -1).length > 1) {
      throw new ValueError({
        where: this.name,
        problem: 'the target shape is no shape',
        expected: 'whole numbers, at most one of them -1',
        received: JSON.stringify(targetShape),
      })
    }
    this.targetShape = [...targetShape]
  }

  override call(x: Tensor): Tensor {
    return ops.reshape(x, [x.shape[0] as number, ...resolveShape(this.targetShape, sizeOf(x.shape.slice(1)), 'target shape')])
  }
}

/** Axes in another order; `dims` counts from 1, the batch stays first. */
export class Permute extends Layer {
  static override readonly className: string = 'Permute'
  static override readonly positional: readonly string[] = ['dims']
  static override readonly configTable: ConfigTable = { dims: 'value' }
  readonly dims: readonly number[]

  constructor(dims: readonly number[], options: LayerOptions = {}) {
    super(options)
    const isPermutation = [...dims].sort((a, b) => a - b).every((axis, i) => axis === i + 1)
    if (!isPermutation)
      throw new ValueError({
        where: this.name,
        problem: 'dims must name each axis once',
        expected: `1 to ${dims.length} in some order`,
        received: JSON.stringify(dims),
      })
    this.dims = [...dims]
    this.inputSpec = new InputSpec({ ndim: dims.length + 1 })
  }

  override call(x: Tensor): Tensor {
    return ops.transpose(x, [0, ...this.dims])
  }
}

/** (batch, features) → (batch, n, features): each sample n times. */
export class RepeatVector extends Layer {
  static override readonly className: string = 'RepeatVector'
  static override readonly positional: readonly string[] = ['n']
  static override readonly configTable: ConfigTable = { n: 'value' }
  readonly n: number

  constructor(n: number, options: LayerOptions = {}) {
    super(options)
    this.n = requirePositive(n, 'n', this.name)
    this.inputSpec = new InputSpec({ ndim: 2 })
  }

  override call(x: Tensor): Tensor {
    return ops.broadcastTo(ops.expandDims(x, 1), [x.shape[0] as number, this.n, x.shape[1] as number])
  }
}

export const flatten = (...args: ConstructorParameters<typeof Flatten>): Flatten => new Flatten(...args)
export const reshape = (...args: ConstructorParameters<typeof Reshape>): Reshape => new Reshape(...args)
export const permute = (...args: ConstructorParameters<typeof Permute>): Permute => new Permute(...args)
export const repeatVector = (...args: ConstructorParameters<typeof RepeatVector>): RepeatVector => new RepeatVector(...args)
