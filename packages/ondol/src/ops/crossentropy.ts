/** Cross-entropies of `keras.ops.nn`, with Keras's clipping and renormalisation. */
import { ShapeError } from '../core/errors.js'
import { formatShape, normalizeAxis, sameShape } from '../core/shape.js'
import { lax, type Tensor } from '../engine/index.js'
import { logSoftmax, softplus } from './activations.js'
import { epsilon } from './config.js'
import { asTensor, defineOp } from './define.js'
import { oneHot } from './indexing.js'
import { toFloat } from './promotion.js'
import { keepAxes } from './reducing.js'

const { add, sub, mul, neg, log, max, min, fullLike, withNumber, reduceSum } = lax

/** Probabilities kept away from 0 and 1. */
const clipped = (p: Tensor): Tensor => min(max(p, fullLike(p, epsilon())), fullLike(p, 1 - epsilon()))

/** log p, from logits or from probabilities that are renormalised along `axis`. */
function logProbabilities(output: Tensor, fromLogits: boolean, axis: number): Tensor {
  if (fromLogits) return logSoftmax(output, { axis })
  const total = lax.broadcastTo(keepAxes(reduceSum(output, [axis]), output.shape, [axis]), output.shape)
  return log(clipped(lax.div(output, total)))
}

export interface CrossentropyOptions {
  fromLogits?: boolean
  axis?: number
}

/** -Σ target · log output along `axis`: (…, classes), (…, classes) → (…). */
export const categoricalCrossentropy = defineOp<[Tensor, Tensor], CrossentropyOptions, Tensor>({
  name: 'CategoricalCrossentropy',
  module: 'nn',
  tensors: 2,
  parameters: ['fromLogits', 'axis'],
  call: ([targetInput, outputInput], { fromLogits = false, axis = -1 }) => {
    const output = toFloat(outputInput)
    const target = lax.cast(asTensor(targetInput), output.dtype)
    requireSameShape('categoricalCrossentropy', target, output)
    const along = normalizeAxis(axis, output.rank, 'categoricalCrossentropy')
    return neg(reduceSum(mul(target, logProbabilities(output, fromLogits, along)), [along]))
  },
})

/** As `categoricalCrossentropy`, with the class numbers as target: (…) or (…, 1), (…, classes) → (…). */
export const sparseCategoricalCrossentropy = defineOp<[Tensor, Tensor], CrossentropyOptions, Tensor>({
  name: 'SparseCategoricalCrossentropy',
  module: 'nn',
  tensors: 2,
  parameters: ['fromLogits', 'axis'],
  call: ([targetInput, outputInput], { fromLogits = false, axis = -1 }) => {
    const output = toFloat(outputInput)
    const along = normalizeAxis(axis, output.rank, 'sparseCategoricalCrossentropy')
    let target = lax.cast(asTensor(targetInput), 'int32')
    if (target.rank === output.rank && target.shape.at(-1) === 1) target = lax.reshape(target, target.shape.slice(0, -1))
    const expected = output.shape.filter((_, i) => i !== along)
    if (!sameShape(target.shape, expected)) {
      throw new ShapeError({
        where: 'sparseCategoricalCrossentropy',
        problem: 'the labels do not fit the predictions',
        expected: `${formatShape(expected)} class numbers for predictions of shape ${formatShape(output.shape)}`,
        received: formatShape(target.shape),
        hint: 'one-hot labels belong to categorical_crossentropy',
      })
    }
    const hot = oneHot(target, { numClasses: output.shape[along] as number, axis: along, dtype: output.dtype })
    return neg(reduceSum(mul(hot, logProbabilities(output, fromLogits, along)), [along]))
  },
})

/** -(t log p + (1 - t) log(1 - p)) for each element. */
export const binaryCrossentropy = defineOp<[Tensor, Tensor], { fromLogits?: boolean }, Tensor>({
  name: 'BinaryCrossentropy',
  module: 'nn',
  tensors: 2,
  parameters: ['fromLogits'],
  call: ([targetInput, outputInput], { fromLogits = false }) => {
    const output = toFloat(outputInput)
    const target = lax.cast(asTensor(targetInput), output.dtype)
    requireSameShape('binaryCrossentropy', target, output)
    if (fromLogits) return sub(softplus(output), mul(output, target))
    const p = clipped(output)
    const one = fullLike(p, 1)
    return neg(add(mul(target, log(p)), mul(sub(one, target), log(sub(one, p)))))
  },
})

function requireSameShape(where: string, target: Tensor, output: Tensor): void {
  if (sameShape(target.shape, output.shape)) return
  throw new ShapeError({
    where,
    problem: 'labels and predictions differ in shape',
    expected: formatShape(output.shape),
    received: formatShape(target.shape),
  })
}

/** log(p / (1 - p)) with p kept inside (0, 1). */
export const logit = (x: Tensor): Tensor => {
  const p = clipped(toFloat(x))
  return log(lax.div(p, withNumber(neg(p), add, 1)))
}
