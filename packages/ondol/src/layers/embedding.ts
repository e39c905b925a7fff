/** Vectors for numbered things. Follows `keras/src/layers/core/embedding.py`. */
import * as constraints from '../constraints/index.js'
import { lax, type Tensor, type Variable } from '../engine/index.js'
import * as initializers from '../initializers/index.js'
import type { TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'
import * as regularizers from '../regularizers/index.js'
import { AdaptableLayer, type LoraOptions, type MainWeight } from './adaptable-layer.js'
import type { ConfigTable } from './config-table.js'
import type { CallOptions, LayerOptions } from './layer.js'
import { requirePositive } from './options.js'

export interface EmbeddingOptions extends Omit<LayerOptions, 'autocast'>, LoraOptions {
  /** Default `uniform`: within ±0.05. */
  readonly embeddingsInitializer?: initializers.InitializerLike | undefined
  readonly embeddingsRegularizer?: regularizers.RegularizerLike | undefined
  readonly embeddingsConstraint?: constraints.ConstraintLike | undefined
  /** Masks out index 0: layers after it skip these steps. Default false. */
  readonly maskZero?: boolean | undefined
  /** The table to start with, instead of drawing one. */
  readonly weights?: TensorLike | readonly [TensorLike] | null | undefined
}

/** int (batch, …) → (batch, …, outputDim): row i of a table for each index i. Indices outside are clamped. */
export class Embedding extends AdaptableLayer {
  static override readonly className: string = 'Embedding'
  static override readonly positional: readonly string[] = ['inputDim', 'outputDim']
  static override readonly configTable: ConfigTable = {
    inputDim: 'value',
    outputDim: 'value',
    embeddingsInitializer: 'initializer',
    embeddingsRegularizer: 'regularizer',
    activityRegularizer: 'regularizer',
    embeddingsConstraint: 'constraint',
    maskZero: 'value',
  }
  readonly inputDim: number
  readonly outputDim: number
  readonly embeddingsInitializer: initializers.Initializer
  readonly embeddingsRegularizer: regularizers.Regularizer | null
  readonly embeddingsConstraint: constraints.Constraint | null
  readonly maskZero: boolean
  embeddings!: Variable

  constructor(inputDim: number, outputDim: number, options: EmbeddingOptions = {}) {
    const {
      embeddingsInitializer = 'uniform',
      embeddingsRegularizer = null,
      embeddingsConstraint = null,
      maskZero = false,
      weights = null,
      ...rest
    } = options
    // Indices are no floats, and the rows are cast after they are picked, not the whole table before.
    super({ ...rest, autocast: false })
    this.inputDim = requirePositive(inputDim, 'inputDim', this.name)
    this.outputDim = requirePositive(outputDim, 'outputDim', this.name)
    this.embeddingsInitializer = initializers.get(embeddingsInitializer)
    this.embeddingsRegularizer = regularizers.get(embeddingsRegularizer)
    this.embeddingsConstraint = constraints.get(embeddingsConstraint)
    this.maskZero = maskZero
    this.supportsMasking = maskZero
    if (weights !== null) this.setTable(weights)
  }

  /** Builds it with this table. */
  protected setTable(weights: TensorLike | readonly [TensorLike]): void {
    this.build()
    this.setWeights(isList(weights) ? weights : [weights])
  }

  override get rowCount(): number {
    return this.inputDim
  }

  override build(): void {
    this.embeddings = this.addWeight({
      name: 'embeddings',
      shape: [this.inputDim, this.outputDim],
      initializer: this.embeddingsInitializer,
      regularizer: this.embeddingsRegularizer,
      constraint: this.embeddingsConstraint,
    })
    this.addLora()
  }

  protected override mainWeight(): MainWeight {
    return {
      variable: this.embeddings,
      name: 'embeddings',
      regularizer: this.embeddingsRegularizer,
      constraint: this.embeddingsConstraint,
    }
  }

  override call(inputs: Tensor, _options: CallOptions = {}): Tensor {
    return lax.cast(lax.gather(this.adapted(), lax.cast(inputs, 'int32'), 0), this.computeDtype)
  }

  override computeMask(inputs: Tensor): Tensor | null {
    return this.maskZero ? ops.notEqual(inputs, 0) : null
  }
}

/** `[table]`, as Keras takes it, and not a table written as nested arrays. */
const isList = (weights: TensorLike | readonly [TensorLike]): weights is readonly [TensorLike] =>
  Array.isArray(weights) &&
  weights.length === 1 &&
  (typeof weights[0] !== 'object' || !Array.isArray(weights[0]) || Array.isArray(weights[0][0]))

export const embedding = (...args: ConstructorParameters<typeof Embedding>): Embedding => new Embedding(...args)
