/** Attention of Luong and of Bahdanau. Follows `keras/src/layers/attention/{attention,additive_attention}.py`. */
import { ValueError } from '../../core/errors.js'
import type { PartialShape } from '../../core/shape.js'
import { lax, type Tensor, type Variable } from '../../engine/index.js'
import * as ops from '../../ops/index.js'
import * as random from '../../ops/random.js'
import type { ConfigTable } from '../config-table.js'
import { type CallOptions, Layer, type LayerOptions } from '../layer.js'
import type { Masks } from '../masks.js'
import { requireRate, requireSize } from '../options.js'

export interface AdditiveAttentionOptions extends LayerOptions {
  /** Learns how much the scores (here: each feature of them) weigh. */
  readonly useScale?: boolean | undefined
  /** Share of the attention weights to drop in training. Default 0. */
  readonly dropout?: number | undefined
  readonly seed?: number | null | undefined
}

export interface AttentionOptions extends AdditiveAttentionOptions {
  /** `'dot'`: query · key; `'concat'`: the sum of tanh(query + key). Default `'dot'`. */
  readonly scoreMode?: 'dot' | 'concat' | undefined
}

export interface AttentionCallOptions extends CallOptions {
  /** Gives [output, weights (batch, target, source)]. Default false. */
  readonly returnAttentionScores?: boolean | undefined
  /** Look at sources up to the target's own place only. Default false. */
  readonly useCausalMask?: boolean | undefined
}

/** What both have: weights of values by scores, under masks. */
abstract class ScoredAttention extends Layer {
  readonly useScale: boolean
  readonly dropout: number
  readonly seed: number | null
  readonly seedGenerator: random.SeedGenerator | null
  scale: Variable | null = null

  constructor({ useScale = false, dropout = 0, seed = null, ...options }: AdditiveAttentionOptions) {
    super(options)
    this.useScale = useScale
    this.dropout = requireRate(dropout, 'dropout', this.name)
    this.seed = seed
    this.seedGenerator = dropout > 0 ? new random.SeedGenerator(seed) : null
    this.supportsMasking = true
  }

  /** (batch, target, size), (batch, source, size) → (batch, target, source). */
  protected abstract score(query: Tensor, key: Tensor): Tensor

  override call(
    inputs: readonly Tensor[],
    { training = false, mask = null, returnAttentionScores = false, useCausalMask = false }: AttentionCallOptions = {},
  ): Tensor | Tensor[] {
    const [query, value, key = value] = this.#requireInputs(inputs) as [Tensor, Tensor, Tensor?]
    const [queryMask, valueMask] = this.#requireMasks(mask)
    const scores = this.score(query, key as Tensor)
    const seen = [
      ...(valueMask === null ? [] : [ops.expandDims(lax.cast(valueMask, 'bool'), -2)]),
      ...(useCausalMask ? [causalMask(scores)] : []),
    ]
    const weights = ops.softmax(hide(scores, seen), { axis: -1 })
    const kept = training && this.seedGenerator !== null ? random.dropout(weights, this.dropout, { seed: this.seedGenerator }) : weights
    const mixed = ops.matmul(kept, value)
    const output = queryMask === null ? mixed : ops.where(ops.expandDims(lax.cast(queryMask, 'bool'), -1), mixed, lax.zerosLike(mixed))
    return returnAttentionScores ? [output, kept] : output
  }

  #requireInputs(inputs: unknown): readonly unknown[] {
    if (Array.isArray(inputs) && (inputs.length === 2 || inputs.length === 3)) return inputs
    throw new ValueError({
      problem: 'what to attend to is not given',
      expected: 'a list [query, value] or [query, value, key]',
      received: Array.isArray(inputs) ? `a list of ${inputs.length}` : String(inputs),
    })
  }

  #requireMasks(mask: Masks | null): readonly [query: Tensor | null, value: Tensor | null] {
    if (mask === null) return [null, null]
    if (Array.isArray(mask) && (mask.length === 2 || mask.length === 3))
      return [(mask[0] ?? null) as Tensor | null, (mask[1] ?? null) as Tensor | null]
    throw new ValueError({
      problem: 'the mask does not fit the inputs',
      expected: 'a list [queryMask, valueMask]',
      received: Array.isArray(mask) ? `a list of ${mask.length}` : String(mask),
    })
  }

  /** The query's mask goes on. */
  override computeMask(_inputs: unknown, previous: Masks | null): Masks | null {
    return Array.isArray(previous) ? ((previous[0] ?? null) as Tensor | null) : null
  }

  protected requireShapes(shapes: unknown): readonly PartialShape[] {
    return this.#requireInputs(shapes) as readonly PartialShape[]
  }
}

/** True where the source (last axis) is not after the target (second-last). */
export const causalMask = ({ shape }: Tensor): Tensor =>
  lax.ge(lax.iota(shape, 'int32', shape.length - 2), lax.iota(shape, 'int32', shape.length - 1))

/** Scores of what may not be seen become so small that they weigh nothing. */
function hide(scores: Tensor, seen: readonly Tensor[]): Tensor {
  if (seen.length === 0) return scores
  const visible = seen.reduce((a, b) => ops.logicalAnd(a, b))
  const far = scores.dtype === 'float16' ? 65504 : 1e9
  return ops.where(visible, scores, lax.withNumber(scores, lax.sub, far))
}

/**
 * [query (batch, target, size), value (batch, source, size'), key = value] → (batch, target, size'): values weighed by how
 * well query and key fit (Luong et al. 2015).
 *
 * @example
 * const context = layers.attention()([decoded, encoded])
 */
export class Attention extends ScoredAttention {
  static override readonly className: string = 'Attention'
  static override readonly configTable: ConfigTable = { useScale: 'value', scoreMode: 'value', dropout: 'value', seed: 'value' }
  readonly scoreMode: 'dot' | 'concat'
  concatScoreWeight: Variable | null = null

  constructor({ scoreMode = 'dot', ...options }: AttentionOptions = {}) {
    super(options)
    if (scoreMode !== 'dot' && scoreMode !== 'concat') {
      throw new ValueError({
        where: this.name,
        problem: 'unknown way to score',
        expected: "'dot', 'concat'",
        received: `scoreMode=${String(scoreMode)}`,
      })
    }
    this.scoreMode = scoreMode
  }

  override build(shapes: unknown): void {
    this.requireShapes(shapes)
    if (this.useScale) this.scale = this.addWeight({ name: 'scale', shape: [], initializer: 'ones' })
    if (this.scoreMode === 'concat')
      this.concatScoreWeight = this.addWeight({ name: 'concat_score_weight', shape: [], initializer: 'ones' })
  }

  protected override score(query: Tensor, key: Tensor): Tensor {
    const scaled = (x: Tensor): Tensor => (this.scale === null ? x : ops.multiply(x, this.scale))
    if (this.concatScoreWeight === null) return scaled(ops.matmul(query, ops.swapaxes(key, -2, -1)))
    return ops.multiply(ops.sum(ops.tanh(scaled(pairs(query, key))), { axis: -1 }), this.concatScoreWeight)
  }
}

/** query + key for each pair: (batch, target, source, size). */
const pairs = (query: Tensor, key: Tensor): Tensor => ops.add(ops.expandDims(query, -2), ops.expandDims(key, -3))

/**
 * As `Attention`, with scores that are a weighed sum of tanh(query + key) (Bahdanau et al. 2015).
 *
 * @example
 * const context = layers.additiveAttention()([decoded, encoded])
 */
export class AdditiveAttention extends ScoredAttention {
  static override readonly className: string = 'AdditiveAttention'
  static override readonly configTable: ConfigTable = { useScale: 'value', dropout: 'value', seed: 'value' }

  constructor({ useScale = true, ...options }: AdditiveAttentionOptions = {}) {
    super({ useScale, ...options })
  }

  override build(shapes: unknown): void {
    const [query] = this.requireShapes(shapes) as [PartialShape]
    if (!this.useScale) return
    this.scale = this.addWeight({ name: 'scale', shape: [requireSize(query, -1, 'features')], initializer: 'glorot_uniform' })
  }

  protected override score(query: Tensor, key: Tensor): Tensor {
    const bent = ops.tanh(pairs(query, key))
    return ops.sum(this.scale === null ? bent : ops.multiply(bent, this.scale), { axis: -1 })
  }
}

export const attention = (...args: ConstructorParameters<typeof Attention>): Attention => new Attention(...args)
export const additiveAttention = (...args: ConstructorParameters<typeof AdditiveAttention>): AdditiveAttention =>
  new AdditiveAttention(...args)
