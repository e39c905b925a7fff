/** An embedding that also goes back from vectors to words. Follows `keras/src/layers/core/reversible_embedding.py`. */
import type { DType } from '../core/dtype.js'
import { lax, type Tensor, type Variable } from '../engine/index.js'
import * as ops from '../ops/index.js'
import type { ConfigTable } from './config-table.js'
import { Embedding, type EmbeddingOptions } from './embedding.js'
import type { CallOptions } from './layer.js'
import { setMask } from './masks.js'

export interface ReversibleEmbeddingOptions extends EmbeddingOptions {
  /** Goes back with the transposed table, not with a matrix of its own. Default true. */
  readonly tieWeights?: boolean | undefined
  /** Dtype of the way back. Default: that of the vectors. */
  readonly reverseDtype?: DType | null | undefined
  /** Bounds the logits smoothly: cap · tanh(logits / cap). Default: none. */
  readonly logitSoftCap?: number | null | undefined
}

/**
 * int (batch, …) → (batch, …, outputDim); with `{ reverse: true }` (batch, …, outputDim) → logits (batch, …, inputDim).
 *
 * @example
 * const tokens = layers.reversibleEmbedding(1000, 64)
 * const logits = tokens(body(tokens(words)), { reverse: true })
 */
export class ReversibleEmbedding extends Embedding {
  static override readonly className: string = 'ReversibleEmbedding'
  static override readonly configTable: ConfigTable = {
    ...Embedding.configTable,
    tieWeights: 'value',
    reverseDtype: 'value',
    logitSoftCap: 'value',
  }
  readonly tieWeights: boolean
  readonly reverseDtype: DType | null
  readonly logitSoftCap: number | null
  reverseEmbeddings: Variable | null = null

  constructor(
    inputDim: number,
    outputDim: number,
    { tieWeights = true, reverseDtype = null, logitSoftCap = null, weights = null, ...options }: ReversibleEmbeddingOptions = {},
  ) {
    super(inputDim, outputDim, options)
    this.tieWeights = tieWeights
    this.reverseDtype = reverseDtype
    this.logitSoftCap = logitSoftCap
    if (weights !== null) this.setTable(weights)
  }

  override build(): void {
    super.build()
    if (this.tieWeights) return
    this.reverseEmbeddings = this.addWeight({
      name: 'reverse_embeddings',
      shape: [this.outputDim, this.inputDim],
      initializer: this.embeddingsInitializer,
    })
  }

  override call(inputs: Tensor, { reverse = false }: CallOptions = {}): Tensor {
    if (reverse) return this.#reverse(inputs)
    const vectors = super.call(inputs)
    const mask = super.computeMask(inputs)
    if (mask !== null) setMask(vectors, mask)
    return vectors
  }

  #reverse(vectors: Tensor): Tensor {
    const kernel = this.reverseEmbeddings?.value ?? ops.transpose(this.adapted())
    const { reverseDtype: dtype, logitSoftCap: cap } = this
    const logits = dtype === null ? ops.matmul(vectors, kernel) : ops.matmul(lax.cast(vectors, dtype), lax.cast(kernel, dtype))
    return cap === null ? logits : lax.withNumber(lax.tanh(lax.withNumber(logits, lax.mul, 1 / cap)), lax.mul, cap)
  }

  /** `call` knows the way it goes, and sets the mask. */
  override computeMask(): null {
    return null
  }
}

export const reversibleEmbedding = (...args: ConstructorParameters<typeof ReversibleEmbedding>): ReversibleEmbedding =>
  new ReversibleEmbedding(...args)
