/** Connectionist temporal classification (Graves 2006): labels without times against scores at each step. */
import { ShapeError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import { lax, stopGradient, type Tensor } from '../engine/index.js'
import { logSoftmax } from './activations.js'
import { scan } from './control.js'
import { full } from './create.js'
import { asTensor, defineOp } from './define.js'
import { add, cast, equal, less, notEqual, where } from './elementwise.js'
import { takeAlongAxis } from './indexing.js'
import { concatenate, stack } from './join.js'
import { broadcastTo, expandDims, reshape, transpose } from './shape.js'
import { slice } from './slicing.js'

/** The logarithm of nothing, finite, so that its gradients are. Keras's number. */
const NOTHING = -1e5

/** log(eᵃ + eᵇ + …), element by element; equal ones share the gradient. */
function logSum(terms: readonly Tensor[]): Tensor {
  const highest = stopGradient(terms.reduce((a, b) => lax.max(a, b)))
  const sum = terms.map((term) => lax.exp(lax.sub(term, highest))).reduce((a, b) => lax.add(a, b))
  return lax.add(highest, lax.log(sum))
}

/**
 * Minus the logarithm of the chance of each target: targets (batch, labels) of class numbers, scores
 * (batch, steps, classes) before softmax, and how many of the labels and steps are real, (batch,) each → (batch,).
 * `maskIndex` is the class that stands for no label.
 */
export const ctcLoss = defineOp<[Tensor, Tensor, Tensor, Tensor], { maskIndex?: number }, Tensor>({
  name: 'CTCLoss',
  module: 'nn',
  tensors: 4,
  parameters: ['maskIndex'],
  call: ([targets, scores, targetLengths, scoreLengths], { maskIndex = 0 }) => {
    const labels = cast(asTensor(targets), 'int32')
    const given = asTensor(scores)
    if (labels.rank !== 2 || given.rank !== 3 || labels.shape[0] !== given.shape[0]) {
      throw new ShapeError({
        where: 'ctcLoss',
        problem: 'targets and scores do not fit',
        expected: 'targets (batch, labels) and scores (batch, steps, classes)',
        received: `${formatShape(labels.shape)} and ${formatShape(given.shape)}`,
      })
    }
    const [batch, steps] = given.shape as [number, number, number]
    const states = 2 * (labels.shape[1] as number) + 1
    const path = withBlanks(labels, maskIndex)
    const logs = logSoftmax(given, -1)
    const emitted = takeAlongAxis(logs, broadcastTo(expandDims(path, 1), [batch, steps, states]), 2)
    const canSkip = skippable(path, maskIndex)
    const isReal = less(lax.iota([steps, batch], 'int32', 0), expandDims(cast(asTensor(scoreLengths), 'int32'), 0))
    const first = lax.cast(lax.eq(lax.iota([batch, states], 'int32', 1), lax.full([batch, states], 'int32', 0)), logs.dtype)
    const start = lax.withNumber(lax.withNumber(first, lax.sub, 1), lax.mul, -NOTHING)
    const [last] = scan(
      (alpha: Tensor, { emit, real }: { readonly emit: Tensor; readonly real: Tensor }) => {
        const [one, two] = [shifted(alpha, 1), shifted(alpha, 2)]
        const next = add(logSum([alpha, one, where(canSkip, two, NOTHING)]), emit)
        return [where(expandDims(real, 1), next, alpha), []] as const
      },
      start,
      { emit: transpose(emitted, [1, 0, 2]), real: isReal },
    )
    // The last label, or the blank after it.
    const end = lax.withNumber(cast(asTensor(targetLengths), 'int32'), lax.mul, 2)
    const at = (place: Tensor): Tensor => reshape(takeAlongAxis(last, expandDims(place, 1), 1), [batch])
    const beforeEnd = lax.max(lax.withNumber(end, lax.sub, 1), lax.zerosLike(end))
    // Without labels there is no state before the end.
    const other = where(equal(end, 0), NOTHING, at(beforeEnd))
    return lax.neg(logSum([at(end), other]))
  },
})

/** Labels with blanks before, between and after: (batch, 2 · labels + 1). */
function withBlanks(labels: Tensor, blank: number): Tensor {
  const [batch, count] = labels.shape as [number, number]
  const blanks = full([batch, count], blank, 'int32')
  const pairs = reshape(stack([blanks, labels], -1), [batch, 2 * count])
  return concatenate([pairs, full([batch, 1], blank, 'int32')], 1)
}

/** Where the blank before a label may be left out: at labels that differ from the label before. */
function skippable(path: Tensor, blank: number): Tensor {
  const before = concatenate(
    [full([path.shape[0] as number, 2], blank, 'int32'), slice(path, [0, 0], [-1, (path.shape[1] as number) - 2])],
    1,
  )
  return lax.logicalAnd(notEqual(path, blank), notEqual(path, before))
}

/** Every state takes the value of that `by` places before. */
function shifted(alpha: Tensor, by: number): Tensor {
  const [batch, states] = alpha.shape as [number, number]
  if (states <= by) return full([batch, states], NOTHING, alpha.dtype)
  return concatenate([full([batch, by], NOTHING, alpha.dtype), slice(alpha, [0, 0], [batch, states - by])], 1)
}
