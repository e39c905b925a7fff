/** Circle loss for embeddings (https://arxiv.org/abs/2002.10857). Formula of `keras/src/losses/losses.py`. */
import { ShapeError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import type { Tensor } from '../engine/index.js'
import { asTensor, type TensorLike } from '../ops/define.js'
import * as ops from '../ops/index.js'
import { Loss, type LossOptions } from './loss.js'

export interface CircleOptions {
  /** Scale. Default 80. */
  readonly gamma?: number
  /** How far similar and other pairs are held apart. Default 0.4. */
  readonly margin?: number
  /** A sample is no pair with itself. Default true. */
  readonly removeDiagonal?: boolean
  /** Labels and embeddings to compare with; default: those of the batch. */
  readonly refLabels?: TensorLike | null
  readonly refEmbeddings?: TensorLike | null
}

/** Far below every exponent here, and finite, so that its gradient is 0. */
const NEVER = -1e30

/** Class numbers (batch,), embeddings of length 1 (batch, size) → (batch,). */
export function circle(yTrue: TensorLike, yPred: TensorLike, options: CircleOptions = {}): Tensor {
  const { refLabels = null, refEmbeddings = null, removeDiagonal = true, gamma = 80, margin = 0.4 } = options
  const embeddings = asTensor(yPred)
  const labels = ops.cast(asTensor(yTrue), 'int32')
  if (embeddings.rank !== 2) {
    throw new ShapeError({
      where: 'circle',
      problem: 'pairs of embeddings are compared',
      expected: 'predictions (batch, size)',
      received: formatShape(embeddings.shape),
    })
  }
  const others = refEmbeddings === null ? embeddings : asTensor(refEmbeddings)
  const otherLabels = refLabels === null ? labels : ops.cast(asTensor(refLabels), 'int32')
  const distances = ops.maximum(ops.subtract(1, ops.matmul(embeddings, ops.transpose(others))), 0)
  const isSame = ops.equal(ops.reshape(labels, [-1, 1]), ops.reshape(otherLabels, [1, -1]))
  const isOther = ops.logicalNot(isSame)
  const isPair = removeDiagonal ? ops.logicalAnd(isSame, ops.logicalNot(ops.cast(ops.eye(labels.size), 'bool'))) : isSame
  const logits = (counts: Tensor, weight: Tensor, distance: Tensor): Tensor =>
    ops.logsumexp(ops.where(counts, ops.multiply(gamma, ops.multiply(ops.maximum(weight, 0), distance)), NEVER), { axis: 1 })
  const near = logits(isPair, ops.add(margin, distances), ops.subtract(distances, margin))
  const far = logits(isOther, ops.subtract(1 + margin, distances), ops.subtract(1 - margin, distances))
  return ops.softplus(ops.add(near, far))
}

/** Circle loss as an object. Samples whose loss is 0 do not count in the mean. */
export class Circle extends Loss {
  readonly gamma: number
  readonly margin: number
  readonly removeDiagonal: boolean

  constructor({
    gamma = 80,
    margin = 0.4,
    removeDiagonal = true,
    ...options
  }: LossOptions & Pick<CircleOptions, 'gamma' | 'margin' | 'removeDiagonal'> = {}) {
    super({ name: 'circle', ...options })
    this.gamma = gamma
    this.margin = margin
    this.removeDiagonal = removeDiagonal
  }

  override get className(): string {
    return 'Circle'
  }

  protected override get optionNames(): readonly string[] {
    return ['gamma', 'margin', 'removeDiagonal']
  }

  protected override valueMask(values: Tensor): Tensor {
    return ops.greater(values, 0)
  }

  call(yTrue: Tensor, yPred: Tensor): Tensor {
    const { gamma, margin, removeDiagonal } = this
    return circle(yTrue, yPred, { gamma, margin, removeDiagonal })
  }

  override getConfig(): Record<string, unknown> {
    return { ...super.getConfig(), gamma: this.gamma, margin: this.margin, remove_diagonal: this.removeDiagonal }
  }
}
