/** Products that sum, and windows. ONNX's convolutions and pools want channels first: the views bring them so. */
import { isFloat } from '../../core/dtype.js'
import type { Value } from '../../engine/graph.js'
import { type ConvSpec, layoutAxes, type PoolSpec } from '../../engine/primitives.js'
import type { Named } from '../builder.js'
import { type Lowering, resultOf } from '../lowering.js'
import type { Size } from '../sizes.js'
import type { Rules } from './rule.js'

type WindowName = 'conv' | 'convInputGrad' | 'convKernelGrad' | 'maxPool' | 'maxPoolGrad' | 'maxPoolGather' | 'avgPool' | 'avgPoolGrad'

/** The order of axes that ONNX wants: batch, channels, space. */
function channelsFirst(layout: ConvSpec['layout'], rank: number): number[] {
  const { channel, spatial } = layoutAxes(layout, rank)
  return [0, channel, ...spatial]
}

const inOrder = (lowering: Lowering, value: Value, order: readonly number[]): Size[] => {
  const shape = lowering.shapeOf(value)
  return order.map((axis) => shape[axis] as Size)
}

/** Padding as ONNX lists it: all starts, then all ends. */
const padsOf = (padding: ConvSpec['padding']): number[] => [...padding.map(([low]) => low), ...padding.map(([, high]) => high)]

/** The padding as an attribute: the same in both traces, or the one that ONNX works out itself. */
function padding(lowering: Lowering, spec: ConvSpec | PoolSpec, twin: ConvSpec | PoolSpec): Record<string, string | number[]> {
  const pads = padsOf(spec.padding)
  if (pads.some((pad) => pad < 0)) lowering.refuse('negative padding')
  const same = padsOf(twin.padding).every((pad, i) => pad === pads[i])
  if (!same) return { auto_pad: 'SAME_UPPER' }
  return pads.some((pad) => pad > 0) ? { pads } : {}
}

const ones = (list: readonly number[]): boolean => list.every((n) => n === 1)

/**
 * The padding of a pool in a word: onnxruntime (1.30) takes the zeros of a `Pad` before it for padding of its own, which a
 * maximum or a mean leaves out, unless a word says what that is. Pools are padded as 'same' or not at all.
 */
const poolPadding = (lowering: Lowering, spec: PoolSpec, twin: PoolSpec): { auto_pad: string } => ({
  auto_pad: Object.keys(padding(lowering, spec, twin)).length === 0 ? 'VALID' : 'SAME_UPPER',
})

function pool(lowering: Lowering, op: string, input: Value, output: Value, spec: PoolSpec, twin: PoolSpec): void {
  const order = channelsFirst(spec.layout, input.shape.length)
  const x = lowering.whole(input, order)
  const pooled = lowering.builder.node(op, [x], inOrder(lowering, output, order), {
    kernel_shape: spec.window,
    ...(!ones(spec.strides) && { strides: spec.strides }),
    ...poolPadding(lowering, spec, twin),
  })
  lowering.setOrdered(output, pooled, order)
}

const gradient =
  (name: string) =>
  (lowering: Lowering): never =>
    lowering.refuse(`the gradient of ${name}`)

export const contractionRules: Rules<WindowName | 'dot'> = {
  conv: (lowering, { node, twin }) => {
    const spec = node.attributes
    const [input, kernel] = node.inputs as [Value, Value]
    const rank = input.shape.length
    const order = channelsFirst(spec.layout, rank)
    const spatial = order.slice(2).map((_, i) => i)
    const weights = lowering.whole(kernel, [rank - 1, rank - 2, ...spatial])
    const output = resultOf(node)
    const y = lowering.builder.node('Conv', [lowering.whole(input, order), weights], inOrder(lowering, output, order), {
      kernel_shape: spatial.map((axis) => kernel.shape[axis] as number),
      ...(!ones(spec.strides) && { strides: spec.strides }),
      ...(!ones(spec.dilation) && { dilations: spec.dilation }),
      ...(spec.groups > 1 && { group: spec.groups }),
      ...padding(lowering, spec, twin.attributes),
    })
    lowering.setOrdered(output, y, order)
  },

  // The gradient of a convolution by its input is what layers call a transposed convolution.
  convInputGrad: (lowering, { node, twin }) => {
    const spec = node.attributes
    const [dy, kernel] = node.inputs as [Value, Value]
    const rank = dy.shape.length
    const order = channelsFirst(spec.layout, rank)
    const spatial = order.slice(2).map((_, i) => i)
    const weights = lowering.whole(kernel, [rank - 1, rank - 2, ...spatial])
    const output = resultOf(node)
    const missing = ({ inputShape, padding: pads }: typeof spec, sizes: readonly number[]): number[] =>
      spatial.map((i) => {
        const window = ((kernel.shape[i] as number) - 1) * (spec.dilation[i] as number) + 1
        const [low, high] = pads[i] as readonly [number, number]
        const axis = order[2 + i] as number
        return (inputShape[axis] as number) - (((sizes[axis] as number) - 1) * (spec.strides[i] as number) + window - low - high)
      })
    const extra = missing(spec, dy.shape)
    const other = missing(twin.attributes, (twin.inputs[0] as Value).shape)
    const pads = padsOf(spec.padding)
    if (extra.some((n, i) => n !== other[i]) || padsOf(twin.attributes.padding).some((pad, i) => pad !== pads[i]))
      lowering.refuse('a transposed convolution whose padding follows the size of its input', 'give Input(...) fixed sizes')
    // What is too much at the end is cut there.
    const cut = pads.map((pad, i) => (i < spatial.length ? pad : pad + Math.max(0, -(extra[i - spatial.length] as number))))
    if (cut.some((pad) => pad < 0)) lowering.refuse('negative padding')
    const y = lowering.builder.node('ConvTranspose', [lowering.whole(dy, order), weights], inOrder(lowering, output, order), {
      kernel_shape: spatial.map((axis) => kernel.shape[axis] as number),
      ...(!ones(spec.strides) && { strides: spec.strides }),
      ...(!ones(spec.dilation) && { dilations: spec.dilation }),
      ...(spec.groups > 1 && { group: spec.groups }),
      ...(cut.some((pad) => pad > 0) && { pads: cut }),
      ...(extra.some((n) => n > 0) && { output_padding: extra.map((n) => Math.max(0, n)) }),
    })
    lowering.setOrdered(output, y, order)
  },
  convKernelGrad: gradient('a convolution by its kernel'),

  maxPool: (lowering, { node, twin }) =>
    pool(lowering, 'MaxPool', node.inputs[0] as Value, resultOf(node), node.attributes, twin.attributes),
  avgPool: (lowering, { node, twin }) =>
    pool(lowering, 'AveragePool', node.inputs[0] as Value, resultOf(node), node.attributes, twin.attributes),
  maxPoolGrad: gradient('max pooling'),
  maxPoolGather: gradient('max pooling'),
  avgPoolGrad: gradient('average pooling'),

  dot: (lowering, { node }) => {
    const { batchA, batchB, contractA, contractB } = node.attributes
    const [a, b] = node.inputs as [Value, Value]
    const free = (value: Value, ...used: (readonly number[])[]): number[] =>
      value.shape.map((_, axis) => axis).filter((axis) => !used.some((axes) => axes.includes(axis)))
    const freeA = free(a, batchA, contractA)
    const freeB = free(b, batchB, contractB)
    const output = resultOf(node)
    // Without batches the left side may have any number of rows; with them both sides are stacks of matrices.
    const isMatrixProduct = contractA.length === 1 && freeB.length === 1 && freeA.length >= 1 && (batchA.length === 0 || freeA.length === 1)
    if (isMatrixProduct) {
      const left = lowering.whole(a, [...batchA, ...freeA, ...contractA])
      const right = lowering.whole(b, [...batchB, ...contractB, ...freeB])
      // Gemm takes a bias, if one is added: see addedToMaker.
      const op = left.shape.length === 2 && right.shape.length === 2 && isFloat(output.dtype) ? 'Gemm' : 'MatMul'
      lowering.setPlain(output, lowering.builder.node(op, [left, right], lowering.shapeOf(output)))
      return
    }
    einsum(lowering, node.inputs as [Value, Value], node.attributes, output)
  },
}

/** Any other product: letters say which axes belong together, so the operands' axes may stand in any order. */
function einsum(
  lowering: Lowering,
  [a, b]: readonly [Value, Value],
  { batchA, batchB, contractA, contractB }: { readonly [K in 'batchA' | 'batchB' | 'contractA' | 'contractB']: readonly number[] },
  output: Value,
): void {
  const letters = [...'abcdefghijklmnopqrstuvwxyz']
  const left = a.shape.map(() => letters.shift() as string)
  const right = b.shape.map((_, axis) => {
    const pairs = [batchB.indexOf(axis), contractB.indexOf(axis)] as const
    if (pairs[0] >= 0) return left[batchA[pairs[0]] as number] as string
    return pairs[1] >= 0 ? (left[contractA[pairs[1]] as number] as string) : (letters.shift() as string)
  })
  const freeA = left.filter((_, axis) => !batchA.includes(axis) && !contractA.includes(axis))
  const freeB = right.filter((_, axis) => !batchB.includes(axis) && !contractB.includes(axis))
  const result = [...batchA.map((axis) => left[axis] as string), ...freeA, ...freeB]
  const operand = (value: Value, names: readonly string[]): { tensor: Named; text: string } => {
    const order = lowering.orderOf(value) ?? value.shape.map((_, axis) => axis)
    return { tensor: lowering.whole(value, order), text: order.map((axis) => names[axis]).join('') }
  }
  const [x, y] = [operand(a, left), operand(b, right)]
  const equation = `${x.text},${y.text}->${result.join('')}`
  lowering.setPlain(output, lowering.builder.node('Einsum', [x.tensor, y.tensor], lowering.shapeOf(output), { equation }))
}
