/** Making and moving elements. Transposes, broadcasts and axes of size 1 are views: see lowering.ts. */
import { allocate, writeElement } from '../../core/dtype.js'
import type { Value } from '../../engine/graph.js'
import type { Named } from '../builder.js'
import { type Lowering, resultOf } from '../lowering.js'
import { dataType } from '../model-proto.js'
import { isKnown, isOne, known, type Size, sameSize, sizesOf } from '../sizes.js'
import type { Rules } from './rule.js'

type MovementName = 'full' | 'constant' | 'iota' | 'reshape' | 'transpose' | 'broadcast' | 'slice' | 'pad' | 'concat'

/** ONNX's word for the end of an axis, whatever its size. */
const END = 2 ** 31 - 1

export const movementRules: Rules<MovementName> = {
  full: (lowering, { node, twin }) => {
    const { value, dtype, shape } = node.attributes
    lowering.set(resultOf(node), { tensor: lowering.number([value, twin.attributes.value], dtype), axes: shape.map(() => null) })
  },

  constant: (lowering, { node, twin }) => {
    const { shape, dtype, storage } = node.attributes
    const other = twin.attributes.storage
    if (storage.length !== other.length || storage.some((value, i) => !Object.is(value, other[i])))
      lowering.refuse('a table that is made for one size of the input', 'give Input(...) fixed sizes')
    lowering.setPlain(resultOf(node), lowering.builder.store(inScope(lowering, 'constant'), dtype, shape, storage))
  },

  iota: (lowering, { node }) => {
    const { axis, dtype, shape } = node.attributes
    const { builder } = lowering
    const size = lowering.shapeOf(resultOf(node))[axis] as Size
    const axes = shape.map((_, at) => (at === axis ? 0 : null))
    if (isKnown(size)) {
      const data = allocate(dtype, size[0])
      for (let i = 0; i < size[0]; i++) writeElement(dtype, data, i, i)
      lowering.set(resultOf(node), { tensor: builder.store(inScope(lowering, 'range'), dtype, [size[0]], data), axes })
      return
    }
    const zero = builder.squeeze(builder.node('Sub', [builder.size(size), builder.size(size)], [known(1)]), [0])
    const one = builder.node('Add', [zero, builder.squeeze(builder.integers([1]), [0])], [])
    const range = builder.node('Range', [zero, builder.squeeze(builder.size(size), [0]), one], [size])
    lowering.set(resultOf(node), { tensor: builder.node('Cast', [range], [size], { dtype, to: dataType(dtype) }), axes })
  },

  reshape: (lowering, { node }) => {
    const [input] = node.inputs as [Value]
    const output = resultOf(node)
    const [from, to] = [lowering.shapeOf(input), lowering.shapeOf(output)]
    const matched = sameButOnes(from, to)
    if (matched !== undefined) {
      const { tensor, axes } = lowering.view(input)
      lowering.set(output, { tensor, axes: matched.map((axis) => (axis === null ? null : (axes[axis] as number | null))) })
      return
    }
    lowering.setPlain(output, lowering.builder.reshape(lowering.whole(input), to))
  },

  transpose: (lowering, { node }) => {
    const { tensor, axes } = lowering.view(node.inputs[0] as Value)
    lowering.set(resultOf(node), { tensor, axes: node.attributes.permutation.map((axis) => axes[axis] as number | null) })
  },

  broadcast: (lowering, { node }) => {
    const { tensor, axes } = lowering.view(node.inputs[0] as Value)
    const { shape, axes: places } = node.attributes
    const source = (axis: number): number | null => (places.includes(axis) ? (axes[places.indexOf(axis)] as number | null) : null)
    lowering.set(resultOf(node), { tensor, axes: shape.map((_, axis) => source(axis)) })
  },

  slice: (lowering, { node, twin }) => {
    const [input] = node.inputs as [Value]
    const { builder } = lowering
    const { tensor, axes } = lowering.view(input)
    const sizes = lowering.shapeOf(input)
    const wanted = lowering.shapeOf(resultOf(node))
    const start = sizesOf(node.attributes.start, twin.attributes.start)
    const { step } = node.attributes
    const cut: { at: number; axis: number }[] = []
    axes.forEach((at, axis) => {
      const isAll = sameSize(sizes[axis] as Size, wanted[axis] as Size) && step[axis] === 1
      const isConstant = at === null || (isOne(tensor.shape[at] as Size) && (wanted[axis] as Size)[0] > 0)
      if (!isAll && !isConstant) cut.push({ at: at as number, axis })
    })
    if (cut.length === 0) {
      lowering.set(resultOf(node), { tensor, axes })
      return
    }
    const ends = cut.map(({ axis }): Size => {
      const by = step[axis] as number
      const of = (i: 0 | 1): number => (start[axis] as Size)[i] + ((wanted[axis] as Size)[i] - 1) * by + Math.sign(by)
      return [of(0), of(1)]
    })
    const places = (values: readonly Size[], isEnd: boolean): Named => {
      const fixed = values.map((value, i) => fixedPlace(value, sizes[cut[i]?.axis as number] as Size, isEnd))
      if (fixed.every((place) => place !== undefined)) return builder.integers(fixed)
      return builder.shape(values)
    }
    const shape = tensor.shape.map((size, at) => {
      const one = cut.find((place) => place.at === at)
      return one === undefined ? size : (wanted[one.axis] as Size)
    })
    const sliced = builder.node(
      'Slice',
      [
        tensor,
        places(
          cut.map(({ axis }) => start[axis] as Size),
          false,
        ),
        places(ends, true),
        builder.integers(cut.map(({ at }) => at)),
        builder.integers(cut.map(({ axis }) => step[axis] as number)),
      ],
      shape,
    )
    lowering.set(resultOf(node), { tensor: sliced, axes })
  },

  pad: (lowering, { node, twin }) => {
    const [input, value] = node.inputs as [Value, Value]
    const { builder } = lowering
    const output = resultOf(node)
    const order = lowering.orderOf(input) ?? input.shape.map((_, axis) => axis)
    const [low, high] = [sizesOf(node.attributes.low, twin.attributes.low), sizesOf(node.attributes.high, twin.attributes.high)]
    let tensor = lowering.whole(input, order)
    order.forEach((axis, at) => {
      const gap = node.attributes.interior[axis] as number
      if (gap > 0) tensor = spread(lowering, tensor, at, gap, lowering.whole(value))
    })
    const pads = [...order.map((axis) => low[axis] as Size), ...order.map((axis) => high[axis] as Size)]
    const shape = lowering.shapeOf(output)
    const padded = pads.every(([first, second]) => first === 0 && second === 0)
      ? tensor
      : builder.node(
          'Pad',
          [tensor, builder.shape(pads), lowering.whole(value)],
          order.map((axis) => shape[axis] as Size),
        )
    lowering.setOrdered(output, padded, order)
  },

  concat: (lowering, { node }) => {
    const output = resultOf(node)
    const { axis } = node.attributes
    const orders = node.inputs.map((input) => lowering.orderOf(input))
    const isData = node.inputs.map((input) => lowering.builder.dataOf(lowering.view(input).tensor) !== undefined)
    const order = orders.find((candidate, i) => candidate !== undefined && !isData[i]) ?? output.shape.map((_, at) => at)
    const shape = lowering.shapeOf(output)
    const parts = node.inputs.filter((input) => input.shape[axis] !== 0).map((input) => lowering.whole(input, order))
    const joined = lowering.builder.node(
      'Concat',
      parts,
      order.map((at) => shape[at] as Size),
      { axis: order.indexOf(axis) },
    )
    lowering.setOrdered(output, joined, order)
  },
}

export const inScope = (lowering: Lowering, name: string): string =>
  lowering.builder.scope === '' ? name : `${lowering.builder.scope}/${name}`

/** For each axis of `to` the same axis of `from`, where they differ in axes of size 1 alone. */
function sameButOnes(from: readonly Size[], to: readonly Size[]): (number | null)[] | undefined {
  const kept = from.flatMap((size, axis) => (isOne(size) ? [] : [axis]))
  const wanted = to.filter((size) => !isOne(size))
  if (kept.length !== wanted.length || kept.some((axis, i) => !sameSize(from[axis] as Size, wanted[i] as Size))) return undefined
  let next = 0
  return to.map((size) => (isOne(size) ? null : (kept[next++] as number)))
}

/** A place that needs no sizes: counted from the start, or from the end. */
function fixedPlace(place: Size, size: Size, isEnd: boolean): number | undefined {
  if (isKnown(place)) return place[0] < 0 ? -END : place[0]
  const before = [place[0] - size[0], place[1] - size[1]] as const
  if (before[0] !== before[1]) return undefined
  if (before[0] === 0) return isEnd ? END : undefined
  return before[0] < 0 ? before[0] : undefined
}

/** `gap` places with `value` between the elements along one axis. */
function spread(lowering: Lowering, tensor: Named, at: number, gap: number, value: Named): Named {
  const { builder } = lowering
  const size = tensor.shape[at] as Size
  const apart = builder.unsqueeze(tensor, [at + 1])
  const rank = apart.shape.length
  const wide = apart.shape.map((length, axis): Size => (axis === at + 1 ? known(1 + gap) : length))
  const pads = Array.from({ length: 2 * rank }, (_, i) => (i === rank + at + 1 ? gap : 0))
  const padded = builder.node('Pad', [apart, builder.integers(pads), value], wide)
  const long: Size = [size[0] * (1 + gap), size[1] * (1 + gap)]
  const joined = builder.reshape(
    padded,
    tensor.shape.map((length, axis) => (axis === at ? long : length)),
  )
  const shape = tensor.shape.map((length, axis): Size => (axis === at ? [long[0] - gap, long[1] - gap] : length))
  return builder.node('Slice', [joined, builder.integers([0]), builder.integers([-gap]), builder.integers([at])], shape)
}
