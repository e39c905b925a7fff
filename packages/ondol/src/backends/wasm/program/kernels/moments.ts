/** moments → block-wise sums over columns or rows, in parts where that gives threads something to share. */
import type { KernelStep, View } from '../../../../engine/plan.js'
import { INNER_BLOCK, JOIN, MOMENTS, momentsFamily } from '../../kernels/moments.js'
import { Float32Word } from '../../runtime/record.js'
import type { Builder } from '../builder.js'
import { inDType, intoDType, scratchView } from './operands.js'

const PART_LENGTH = 1024
const MOST_PARTS = 64
/** So many tasks are enough without parts. */
const ENOUGH = 64

export function lowerMoments(builder: Builder, step: KernelStep<'moments'>): void {
  const x = inDType(builder, step.inputs[0] as View, 'float32')
  const [meanView, varianceView] = step.outputs as readonly [View, View]
  intoDType(builder, meanView, 'float32', (mean) => {
    intoDType(builder, varianceView, 'float32', (variance) => addMoments(builder, x, mean, variance))
  })
}

function addMoments(builder: Builder, x: View, mean: View, variance: View): void {
  const [outer, reduced, inner] = x.shape as [number, number, number]
  const [outerStride, stride] = x.strides as [number, number, number]
  const isRows = inner === 1 && stride === 1
  const innerBlocks = isRows ? 1 : Math.ceil(inner / INNER_BLOCK)
  const lines = outer * innerBlocks
  const wanted = lines >= ENOUGH ? 1 : Math.min(MOST_PARTS, Math.ceil(reduced / PART_LENGTH))
  const partLength = Math.max(1, Math.ceil(reduced / Math.max(1, wanted)))
  const parts = Math.max(1, Math.ceil(reduced / partLength))
  const size = outer * inner
  const means = parts === 1 ? mean : scratchView(builder, 'float32', [parts, size])
  const squares = parts === 1 ? variance : scratchView(builder, 'float32', [parts, size])
  const words = MOMENTS.pack({
    x: builder.start(x),
    outerStride: 4 * outerStride,
    stride: 4 * stride,
    outer,
    reduced,
    inner,
    partLength,
    means: builder.start(means),
    squares: builder.start(squares),
    divisor: new Float32Word(parts === 1 ? reduced : 1),
    innerBlocks,
  })
  const share = { count: parts * lines, work: outer * reduced * inner * 0.4 }
  builder.task(builder.runtime.kernels.get(momentsFamily, isRows ? 'rows' : 'columns'), words, share)
  if (parts === 1) return
  const joined = JOIN.pack({
    means: builder.start(means),
    squares: builder.start(squares),
    parts,
    partLength,
    reduced,
    size,
    mean: builder.start(mean),
    variance: builder.start(variance),
    divisor: new Float32Word(reduced),
  })
  builder.task(builder.runtime.kernels.get(momentsFamily, 'join'), joined, { count: 1, work: parts * size })
}
