/** Positions of extremes, running totals and sorting → tasks over lines. */
import type { KernelStep, View } from '../../../../engine/plan.js'
import { type CumulativeName, LINES, lines } from '../../kernels/lines.js'
import type { Pointer } from '../../runtime/record.js'
import type { Builder } from '../builder.js'
import { computeDType, inDType, intoDType } from './operands.js'

interface LineTask {
  readonly kernel: string
  readonly x: Pointer
  readonly y: Pointer
  readonly positions?: Pointer
  readonly reverse?: boolean
  readonly descending?: boolean
  readonly work?: Pointer
}

function addLines(
  builder: Builder,
  shape: readonly number[],
  { kernel, x, y, positions, reverse, descending, work }: LineTask,
  cost: number,
  shared = true,
): void {
  const [outer, n, inner] = shape as [number, number, number]
  const words = LINES.pack({
    x,
    y,
    positions: positions ?? 0,
    n,
    inner,
    reverse: reverse ? 1 : 0,
    work: work ?? 0,
    descending: descending ? 1 : 0,
  })
  builder.task(builder.runtime.kernels.get(lines, kernel), words, { count: outer * inner, work: shared ? outer * inner * n * cost : 0 })
}

export function lowerArg(builder: Builder, step: KernelStep<'argMax' | 'argMin'>): void {
  const [input] = step.inputs as readonly [View]
  const dtype = computeDType(builder.dtypeOf(input.buffer))
  const x = inDType(builder, input, dtype)
  addLines(builder, x.shape, { kernel: `${step.kernel}-${dtype}`, x: builder.start(x), y: builder.start(step.outputs[0] as View) }, 1)
}

export const lowerCumulative =
  (name: CumulativeName) =>
  (builder: Builder, step: KernelStep<CumulativeName>): void => {
    const [input] = step.inputs as readonly [View]
    const dtype = computeDType(builder.dtypeOf(input.buffer))
    const x = inDType(builder, input, dtype)
    intoDType(builder, step.outputs[0] as View, dtype, (y) => {
      const { reverse } = step.attributes
      addLines(builder, x.shape, { kernel: `${name}-${dtype}`, x: builder.start(x), y: builder.start(y), reverse }, 1.5)
    })
  }

export function lowerSort(builder: Builder, step: KernelStep<'sort'>): void {
  const [input] = step.inputs as readonly [View]
  const [sorted, positions] = step.outputs as readonly [View, View]
  const dtype = computeDType(builder.dtypeOf(input.buffer))
  const x = inDType(builder, input, dtype)
  intoDType(builder, sorted, dtype, (y) => {
    const work = builder.scratch(16 * (x.shape[1] as number))
    const { descending } = step.attributes
    const task = {
      kernel: `sort-${dtype}`,
      x: builder.start(x),
      y: builder.start(y),
      positions: builder.start(positions),
      descending,
      work,
    }
    // One line at a time: they share the working memory.
    addLines(builder, x.shape, task, 0, false)
  })
}
