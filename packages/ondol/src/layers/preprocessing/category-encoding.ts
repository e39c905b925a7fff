/** Class numbers as vectors. Follows `keras/src/layers/preprocessing/category_encoding.py`. */
import { ValueError } from '../../core/errors.js'
import { lax, type Tensor } from '../../engine/index.js'
import { asTensor, type TensorLike } from '../../ops/define.js'
import type { ConfigTable } from '../config-table.js'
import { type CallOptions, Layer, type LayerOptions } from '../layer.js'
import { requirePositive } from '../options.js'
import { encodeCategorical, type OutputMode, refuseSparse, requireMode } from './encode.js'

export interface CategoryEncodingOptions extends LayerOptions {
  /** `'multi_hot'` (default), `'one_hot'` or `'count'`. */
  readonly outputMode?: string | undefined
  readonly sparse?: boolean | undefined
}

/**
 * int (…, n) → (…, numTokens); `one_hot` (…) → (…, numTokens). The call's option `countWeights` weighs each token of `count`.
 *
 * @example
 * layers.categoryEncoding(4)([[0, 1], [3, 3]])   // [[1, 1, 0, 0], [0, 0, 0, 1]]
 */
export class CategoryEncoding extends Layer {
  static override readonly className: string = 'CategoryEncoding'
  static override readonly positional: readonly string[] = ['numTokens']
  static override readonly configTable: ConfigTable = { numTokens: 'value', outputMode: 'value' }
  static override readonly isStateless: boolean = true
  readonly numTokens: number
  readonly outputMode: OutputMode
  readonly sparse: boolean

  constructor(numTokens: number, { outputMode = 'multi_hot', sparse = false, ...options }: CategoryEncodingOptions = {}) {
    super(options)
    refuseSparse(sparse, this.name)
    this.numTokens = requirePositive(numTokens, 'numTokens', this.name)
    this.outputMode = requireMode(outputMode, ['one_hot', 'multi_hot', 'count'], this.name)
    this.sparse = sparse
  }

  override call(inputs: Tensor, { countWeights = null }: CallOptions = {}): Tensor {
    if (countWeights !== null && this.outputMode !== 'count')
      throw new ValueError({ problem: "countWeights is for the output mode 'count'", received: `outputMode: '${this.outputMode}'` })
    const weights = countWeights === null ? null : lax.cast(asTensor(countWeights as TensorLike), this.computeDtype)
    return encodeCategorical(lax.cast(inputs, 'int32'), this.outputMode, this.numTokens, this.computeDtype, weights)
  }
}

export const categoryEncoding = (...args: ConstructorParameters<typeof CategoryEncoding>): CategoryEncoding => new CategoryEncoding(...args)
