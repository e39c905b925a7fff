/** Random loops and branches, on small whole numbers so that every dtype is exact however long they run. */
import type { DType } from '../../core/dtype.js'
import type { Graph, Value } from '../../engine/graph.js'
import type { PrimitiveAttributes } from '../../engine/primitives.js'
import type { HostArray } from '../host/index.js'
import { type Case, GraphBuilder } from './builder.js'
import { type Draw, small } from './draw.js'

/** A graph of `build` over inputs like `arrays`. */
function graphOver(arrays: readonly HostArray[], build: (builder: GraphBuilder, ...inputs: Value[]) => readonly Value[]): Graph {
  const builder = new GraphBuilder()
  const inputs = arrays.map((array) => builder.input(array))
  return builder.graph(build(builder, ...inputs))
}

const plus = (dtype: DType): 'add' | 'logicalXor' => (dtype === 'bool' ? 'logicalXor' : 'add')
const times = (dtype: DType): 'mul' | 'logicalAnd' => (dtype === 'bool' ? 'logicalAnd' : 'mul')

export function scanCase(draw: Draw, dtype: DType): Case<PrimitiveAttributes['scan']> {
  const shape = draw.shape(0, 2)
  const length = draw.of([3, 1, 2, 5, 0])
  const constant = draw.array(dtype, shape, small)
  const carry = draw.array(dtype, shape, small)
  const counter = draw.array('int32', [], small)
  const sequence = draw.array(dtype, [length, ...shape], small)
  const withSequence = !draw.once(5)
  const element: HostArray = { dtype, shape, storage: constant.storage }
  const body = graphOver(
    withSequence ? [constant, carry, counter, element] : [constant, carry, counter],
    (builder, c, state, count, x = c) => {
      const product = builder.apply(times(dtype), {}, x as Value, c as Value)
      const next = builder.apply(plus(dtype), {}, state as Value, product)
      const one = builder.apply('full', { shape: [], dtype: 'int32', value: 1 })
      const stepped = builder.apply('add', {}, count as Value, one)
      // Results that are the old carry, something computed, and an element passed through.
      return [next, stepped, ...draw.of([[state], [next, product], [count, x], []] as Value[][])]
    },
  )
  const inputs = withSequence ? [constant, carry, counter, sequence] : [constant, carry, counter]
  return { attributes: { body, constants: 1, carries: 2, length, reverse: draw.once(2) }, inputs }
}

/** while (counter < limit) { counter += 1; total = increment - total } */
export function whileCase(draw: Draw, dtype: DType): Case<PrimitiveAttributes['while']> {
  const shape = draw.shape(0, 2)
  const limit = draw.array('int32', [], small)
  const increment = draw.array(dtype, shape, small)
  const counter = draw.array('int32', [], () => draw.of([0, -2, -5, 3]))
  const total = draw.array(dtype, shape, small)
  const condition = graphOver([limit, counter, total], (builder, most, count) => [builder.apply('lt', {}, count as Value, most as Value)])
  const body = graphOver([increment, counter, total], (builder, more, count, sum) => {
    const one = builder.apply('full', { shape: [], dtype: 'int32', value: 1 })
    return [builder.apply('add', {}, count as Value, one), builder.apply('sub', {}, more as Value, sum as Value)]
  })
  return { attributes: { condition, body, conditionConstants: 1, bodyConstants: 1 }, inputs: [limit, increment, counter, total] }
}

export function condCase(draw: Draw, dtype: DType): Case<PrimitiveAttributes['cond']> {
  const shape = draw.shape(0, 3)
  const operands = [draw.array(dtype, shape, small), draw.array(dtype, shape, small)]
  const whenTrue = graphOver(operands, (builder, a, b) => [builder.apply(plus(dtype), {}, a as Value, b as Value), a as Value])
  const whenFalse = graphOver(operands, (builder, a, b) => [b as Value, builder.apply(times(dtype), {}, a as Value, b as Value)])
  return { attributes: { whenTrue, whenFalse }, inputs: [draw.array('bool', []), ...operands] }
}
