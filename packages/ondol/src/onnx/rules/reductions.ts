/** Reductions, running sums, sorting, and reading and writing at computed places. */
import type { Value } from '../../engine/graph.js'
import type { ReduceName } from '../../engine/primitives.js'
import type { Named } from '../builder.js'
import { type Lowering, resultOf } from '../lowering.js'
import { dataType, type OnnxAttribute } from '../model-proto.js'
import { isKnown, known, type Size } from '../sizes.js'
import type { Rules } from './rule.js'

type ArgName = 'argMax' | 'argMin'
type IndexingName = 'gather' | 'scatterAdd' | 'scatterSet' | 'sort'

const REDUCERS = { reduceSum: 'ReduceSum', reduceProd: 'ReduceProd', reduceMax: 'ReduceMax', reduceMin: 'ReduceMin' } as const

/** A value in an order of its axes that is at hand. */
function atHand(lowering: Lowering, value: Value): { readonly tensor: Named; readonly order: readonly number[] } {
  const order = lowering.orderOf(value) ?? value.shape.map((_, axis) => axis)
  return { tensor: lowering.whole(value, order), order }
}

/** Reduces axes of a tensor, which disappear. Since opset 18 all reductions take their axes as an input. */
export function reduceNode(lowering: Lowering, op: string, x: Named, axes: readonly number[]): Named {
  const { builder } = lowering
  const shape = x.shape.filter((_, axis) => !axes.includes(axis))
  if (op === 'ReduceSum' || builder.opset >= 18) return builder.node(op, [x, builder.integers(axes)], shape, { keepdims: 0 })
  return builder.node(op, [x], shape, { axes, keepdims: 0 })
}

/** Reduces a value, in whatever order its axes are. */
export function reduceValue(lowering: Lowering, op: string, input: Value, axes: readonly number[], output: Value): void {
  const { tensor, order } = atHand(lowering, input)
  const isBool = input.dtype === 'bool'
  const x = isBool ? lowering.cast(tensor, 'int32') : tensor
  const places = axes.map((axis) => order.indexOf(axis)).sort((a, b) => a - b)
  const reduced = reduceNode(lowering, op, x, places)
  const kept = input.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis))
  lowering.setOrdered(
    output,
    isBool ? lowering.cast(reduced, 'bool') : reduced,
    order.filter((axis) => !axes.includes(axis)).map((axis) => kept.indexOf(axis)),
  )
}

const arg =
  (op: string) =>
  (lowering: Lowering, { node }: { node: { inputs: readonly Value[]; outputs: readonly Value[]; attributes: { axis: number } } }): void => {
    const [input] = node.inputs as [Value]
    const { axis } = node.attributes
    const { tensor, order } = atHand(lowering, input)
    const at = order.indexOf(axis)
    const x = tensor.dtype === 'bool' ? lowering.cast(tensor, 'int32') : tensor
    const shape = x.shape.filter((_, place) => place !== at)
    const positions = lowering.builder.node(op, [x], shape, { dtype: 'int64', axis: at, keepdims: 0 })
    const kept = input.shape.map((_, place) => place).filter((place) => place !== axis)
    lowering.setOrdered(
      resultOf(node),
      lowering.cast(positions, 'int32'),
      order.filter((place) => place !== axis).map((place) => kept.indexOf(place)),
    )
  }

const reducers = Object.fromEntries(
  Object.entries(REDUCERS).map(([name, op]) => [
    name,
    (
      lowering: Lowering,
      { node }: { node: { inputs: readonly Value[]; outputs: readonly Value[]; attributes: { axes: readonly number[] } } },
    ) => reduceValue(lowering, op, node.inputs[0] as Value, node.attributes.axes, resultOf(node)),
  ]),
) as unknown as Rules<ReduceName>

export const reductionRules: Rules<ReduceName | ArgName | IndexingName | 'cumSum' | 'cumProd' | 'cumMax' | 'moments'> = {
  ...reducers,
  argMax: arg('ArgMax'),
  argMin: arg('ArgMin'),

  cumSum: (lowering, { node }) => {
    const { tensor, order } = atHand(lowering, node.inputs[0] as Value)
    const { axis, reverse } = node.attributes
    const { builder } = lowering
    const attributes: Record<string, OnnxAttribute> = reverse ? { reverse: 1 } : {}
    const at = builder.squeeze(builder.integers([order.indexOf(axis)]), [0])
    lowering.setOrdered(resultOf(node), builder.node('CumSum', [tensor, at], tensor.shape, attributes), order)
  },
  cumProd: (lowering) => lowering.refuse('running products (cumprod)'),
  cumMax: (lowering) => lowering.refuse('running maxima (associativeScan, cummax)'),

  moments: (lowering, { node }) => {
    const { builder } = lowering
    const [input] = node.inputs as [Value]
    const { tensor, order } = atHand(lowering, input)
    const axes = node.attributes.axes.map((axis) => order.indexOf(axis)).sort((a, b) => a - b)
    const mean = reduceNode(lowering, 'ReduceMean', tensor, axes)
    const apart = builder.node('Sub', [tensor, builder.unsqueeze(mean, axes)], tensor.shape)
    const variance = reduceNode(lowering, 'ReduceMean', builder.node('Mul', [apart, apart], tensor.shape), axes)
    const kept = input.shape.map((_, axis) => axis).filter((axis) => !node.attributes.axes.includes(axis))
    const places = order.filter((axis) => kept.includes(axis)).map((axis) => kept.indexOf(axis))
    lowering.setOrdered(resultOf(node, 0), mean, places)
    lowering.setOrdered(resultOf(node, 1), variance, places)
  },

  gather: (lowering, { node }) => {
    const { builder } = lowering
    const [x, indices] = node.inputs as [Value, Value]
    const table = lowering.whole(x)
    const size = lowering.shapeOf(x)[node.attributes.axis] as Size
    const places = lowering.whole(indices)
    // A table of weights is looked up as it is: an index that it has not is the caller's mistake, and runtimes say so.
    const safe = builder.dataOf(table) !== undefined ? places : clamped(lowering, places, size)
    const gathered = builder.node('Gather', [table, safe], lowering.shapeOf(resultOf(node)), { axis: node.attributes.axis })
    lowering.setPlain(resultOf(node), gathered)
  },
  scatterAdd: (lowering, { node }) => scatter(lowering, node.inputs, node.attributes.axis, resultOf(node), 'add'),
  scatterSet: (lowering, { node }) => scatter(lowering, node.inputs, node.attributes.axis, resultOf(node), 'none'),

  sort: (lowering, { node }) => {
    const { builder } = lowering
    const [input] = node.inputs as [Value]
    const { axis, descending } = node.attributes
    const { tensor, order } = atHand(lowering, input)
    const size = lowering.shapeOf(input)[axis] as Size
    const [sorted, positions] = builder.nodeOf(
      'TopK',
      [tensor, builder.size(size)],
      { axis: order.indexOf(axis), largest: descending ? 1 : 0, sorted: 1 },
      [
        { dtype: tensor.dtype, shape: tensor.shape },
        { dtype: 'int64', shape: tensor.shape },
      ],
    ) as [Named, Named]
    lowering.setOrdered(resultOf(node, 0), sorted, order)
    lowering.setOrdered(resultOf(node, 1), lowering.cast(positions, 'int32'), order)
  },
}

/** Indices into an axis: what lies outside goes to its ends. */
function clamped(lowering: Lowering, indices: Named, size: Size): Named {
  const { builder } = lowering
  const last = isKnown(size)
    ? builder.scalar(size[0] - 1, 'int32')
    : builder.node('Sub', [lowering.number(size, 'int32'), builder.scalar(1, 'int32')], [])
  return builder.node('Clip', [indices, builder.scalar(0, 'int32'), last], indices.shape)
}

/** ScatterND writes whole slices of the first axes, so the axis goes to the front. */
function scatter(lowering: Lowering, [x, indices, updates]: readonly Value[], axis: number, output: Value, reduction: string): void {
  const { builder } = lowering
  const rank = (x as Value).shape.length
  const front = [axis, ...Array.from({ length: rank }, (_, at) => at).filter((at) => at !== axis)]
  const count = (indices as Value).shape.length
  const updateAxes = Array.from({ length: rank - 1 + count }, (_, at) => at)
  const ofIndices = updateAxes.slice(axis, axis + count)
  const size = lowering.shapeOf(x as Value)[axis] as Size
  const safe = clamped(lowering, lowering.whole(indices as Value), size)
  const places = builder.node('Cast', [builder.unsqueeze(safe, [count])], [...safe.shape, known(1)], {
    dtype: 'int64',
    to: dataType('int64'),
  })
  const target = lowering.whole(x as Value, front)
  const written = builder.node(
    'ScatterND',
    [target, places, lowering.whole(updates as Value, [...ofIndices, ...updateAxes.filter((at) => !ofIndices.includes(at))])],
    target.shape,
    reduction === 'none' ? {} : { reduction },
  )
  lowering.setOrdered(output, written, front)
}
