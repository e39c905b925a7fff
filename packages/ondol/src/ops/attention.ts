/** Scaled dot-product attention (https://arxiv.org/abs/1706.03762). */
import { ShapeError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import { lax, type Tensor } from '../engine/index.js'
import { softmax } from './activations.js'
import { defineOp, type TensorLike } from './define.js'
import { resultType, toDType } from './promotion.js'

export interface AttentionOptions {
  /** Added to the scores: broadcast to (batch, heads, target, source). */
  bias?: TensorLike | null
  /** True where a source may be looked at; broadcast as `bias`. */
  mask?: TensorLike | null
  /** Default 1 / √(size of a head). */
  scale?: number | null
  /** Look at sources up to the target's own place only. Default false. */
  isCausal?: boolean
  /** There is one way, which every backend takes. */
  flashAttention?: boolean | null
  /** Scores are bent to stay within ± this. */
  attnLogitsSoftCap?: number | null
}

/** Scores of what may not be looked at; finite, so that a row without anything stays a number. */
const HIDDEN = -0.7 * 3.4028234663852886e38

/**
 * query (batch, target, heads, size), key and value (batch, source, heads or a divisor of them, size) →
 * (batch, target, heads, size).
 */
export const dotProductAttention = defineOp<[Tensor, Tensor, Tensor], AttentionOptions, Tensor>({
  name: 'DotProductAttention',
  module: 'nn',
  tensors: 3,
  parameters: ['bias', 'mask', 'scale', 'isCausal', 'flashAttention', 'attnLogitsSoftCap'],
  call: (operands, { bias, mask, scale, isCausal = false, attnLogitsSoftCap }) => {
    const dtype = resultType(operands, 'float')
    const [query, key, value] = operands.map((operand) => toDType(operand, dtype)) as [Tensor, Tensor, Tensor]
    const [batch, target, heads, size] = query.shape as [number, number, number, number]
    const [, source, shared] = key.shape as [number, number, number, number]
    const fits =
      [query, key, value].every(({ rank }) => rank === 4) &&
      key.shape[3] === size &&
      `${key.shape.slice(0, 3)}` === `${value.shape.slice(0, 3)}` &&
      key.shape[0] === batch &&
      heads % shared === 0
    if (!fits) {
      throw new ShapeError({
        where: 'dotProductAttention',
        problem: 'query, key and value do not fit',
        expected: '(batch, target, heads, size) and twice (batch, source, heads or a divisor, size)',
        received: [query, key, value].map(({ shape }) => formatShape(shape)).join(', '),
      })
    }
    const group = heads / shared
    // (batch, shared heads, group · target, size): heads that share a key are further targets of it.
    const grouped = lax.reshape(lax.transpose(lax.reshape(query, [batch, target, shared, group, size]), [0, 2, 3, 1, 4]), [
      batch,
      shared,
      group * target,
      size,
    ])
    const raw = lax.dot(grouped, key, { batchA: [0, 1], batchB: [0, 2], contractA: [3], contractB: [3] })
    const scores = lax.cast(lax.reshape(raw, [batch, heads, target, source]), dtype === 'float64' ? dtype : 'float32')
    let logits = lax.withNumber(scores, lax.mul, scale ?? 1 / Math.sqrt(size))
    const spread = (x: TensorLike, to: Tensor['dtype']): Tensor => lax.broadcastTo(overHeads(toDType(x, to), logits.shape), logits.shape)
    if (bias != null) logits = lax.add(logits, spread(bias, logits.dtype))
    if (attnLogitsSoftCap != null)
      logits = lax.withNumber(lax.tanh(lax.withNumber(logits, lax.mul, 1 / attnLogitsSoftCap)), lax.mul, attnLogitsSoftCap)
    const seen = [
      ...(mask == null ? [] : [spread(mask, 'bool')]),
      ...(isCausal ? [lax.ge(lax.iota(logits.shape, 'int32', 2), lax.iota(logits.shape, 'int32', 3))] : []),
    ]
    if (seen.length > 0)
      logits = lax.select(
        seen.reduce((a, b) => lax.logicalAnd(a, b)),
        logits,
        lax.fullLike(logits, HIDDEN),
      )
    const weights = lax.reshape(lax.cast(softmax(logits, { axis: -1 }), dtype), [batch, shared, group * target, source])
    const mixed = lax.dot(weights, value, { batchA: [0, 1], batchB: [0, 2], contractA: [3], contractB: [1] })
    const width = value.shape[3] as number
    return lax.reshape(lax.transpose(lax.reshape(mixed, [batch, shared, group, target, width]), [0, 3, 1, 2, 4]), [
      batch,
      target,
      heads,
      width,
    ])
  },
})

/** Missing axes: (heads, target, source) has its heads in front, what is smaller gets leading ones. */
function overHeads(x: Tensor, [, heads]: readonly number[]): Tensor {
  if (x.rank === 3 && x.shape[0] !== heads && x.shape[0] !== 1) return lax.reshape(x, [x.shape[0] as number, 1, ...x.shape.slice(1)])
  return x
}
