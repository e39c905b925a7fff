/** Spectral normalization (https://arxiv.org/abs/1802.05957). Follows `keras/src/layers/normalization/spectral_normalization.py`. */
import { ValueError } from '../core/errors.js'
import type { PartialShape } from '../core/shape.js'
import { lax, stopGradient, type Tensor, Variable } from '../engine/index.js'
import * as initializers from '../initializers/index.js'
import * as ops from '../ops/index.js'
import type { ConfigTable } from './config-table.js'
import { InputSpec } from './input-spec.js'
import type { CallOptions, Layer, LayerOptions } from './layer.js'
import { requirePositive, requireSize } from './options.js'
import { Wrapper } from './wrapper.js'

export interface SpectralNormalizationOptions extends LayerOptions {
  /** Steps of power iteration in each training call. Default 1. */
  readonly powerIterations?: number | undefined
}

/**
 * Keeps the greatest singular value of a layer's kernel (or embeddings) at about 1: each call in training divides it by an estimate.
 *
 * @example
 * const critic = layers.spectralNormalization(layers.conv2d(64, 3))
 */
export class SpectralNormalization extends Wrapper {
  static override readonly className: string = 'SpectralNormalization'
  static override readonly configTable: ConfigTable = { powerIterations: 'value' }
  readonly powerIterations: number
  /** The weight that is normalised: the wrapped layer's. */
  kernel!: Variable
  /** The estimate of the singular vector, (1, last axis of the kernel). */
  vectorU!: Variable

  constructor(layer: Layer, { powerIterations = 1, ...options }: SpectralNormalizationOptions = {}) {
    super(layer, options)
    this.powerIterations = requirePositive(powerIterations, 'powerIterations', this.name)
  }

  override build(inputShape: PartialShape): void {
    super.build(inputShape)
    this.inputSpec = new InputSpec({ minNdim: 1, axes: { [-1]: requireSize(inputShape, -1, 'features') } })
    const { kernel, embeddings } = this.layer as { readonly kernel?: unknown; readonly embeddings?: unknown }
    const found = kernel ?? embeddings
    if (!(found instanceof Variable))
      throw new ValueError({ problem: 'the wrapped layer has neither a kernel nor embeddings', received: this.layer.className })
    this.kernel = found
    this.vectorU = this.addWeight({
      name: 'vector_u',
      shape: [1, found.shape.at(-1) as number],
      initializer: new initializers.TruncatedNormal({ stddev: 0.02 }),
      trainable: false,
      dtype: found.dtype,
    })
  }

  override call(inputs: Tensor, { training }: CallOptions): Tensor {
    if (training) this.#normalize()
    return lax.cast(this.layer(inputs) as Tensor, inputs.dtype)
  }

  #normalize(): void {
    const kernel = this.kernel.uncastValue
    const matrix = ops.reshape(kernel, [-1, kernel.shape.at(-1) as number])
    const before = this.vectorU.uncastValue
    let u = before
    let v = before
    for (let i = 0; i < this.powerIterations; i++) {
      v = unit(ops.matmul(u, ops.transpose(matrix)))
      u = unit(ops.matmul(v, matrix))
    }
    ;[u, v] = [stopGradient(u), stopGradient(v)]
    // A kernel of zeros stays, and says nothing about its singular vectors.
    const isZero = ops.logicalNot(ops.any(ops.notEqual(kernel, 0)))
    const sigma = ops.matmul(ops.matmul(v, matrix), ops.transpose(u))
    const divisor = ops.reshape(ops.where(isZero, lax.fullLike(sigma, 1), sigma), [])
    this.vectorU.assign(ops.where(isZero, before, u))
    this.kernel.assign(ops.divide(kernel, divisor))
  }
}

/** Divided by its norm, unless that is 0. */
function unit(vector: Tensor): Tensor {
  const norm = ops.sqrt(ops.sum(ops.square(vector)))
  return ops.divide(vector, ops.where(ops.equal(norm, 0), lax.fullLike(norm, 1), norm))
}

export const spectralNormalization = (...args: ConstructorParameters<typeof SpectralNormalization>): SpectralNormalization =>
  new SpectralNormalization(...args)
