/** Random graphs of two to six element-wise, movement, reduction and contraction primitives: what fusion makes loops of. */
import { type DType, isFloat } from '../../core/dtype.js'
import { sameShape, sizeOf } from '../../core/shape.js'
import type { Value } from '../../engine/graph.js'
import type { BinaryName, UnaryName } from '../../engine/primitives.js'
import { GraphBuilder, type Trial } from './builder.js'
import { donationsOf } from './donations.js'
import { anything, type Draw, finite } from './draw.js'

const UNARY: Record<'float' | 'int' | 'bool', readonly UnaryName[]> = {
  float: ['neg', 'abs', 'tanh', 'sigmoid', 'exp', 'sin', 'sqrt', 'erf', 'round', 'floor', 'sign'],
  int: ['neg', 'abs', 'sign', 'bitwiseNot'],
  bool: ['logicalNot'],
}
const BINARY: Record<'float' | 'int' | 'bool', readonly BinaryName[]> = {
  float: ['add', 'sub', 'mul', 'max', 'min', 'div'],
  int: ['add', 'sub', 'mul', 'max', 'min', 'bitwiseAnd', 'bitwiseXor', 'shiftRight', 'floorDiv', 'mod'],
  bool: ['logicalAnd', 'logicalOr', 'logicalXor'],
}
const kindOf = (dtype: DType): 'float' | 'int' | 'bool' => (dtype === 'bool' ? 'bool' : isFloat(dtype) ? 'float' : 'int')

export function fusedTrial(draw: Draw, dtype: DType): Trial {
  const builder = new GraphBuilder()
  const shape = draw.shape(0, 3)
  const flavour = draw.once(4) ? anything : finite
  const pool: Value[] = Array.from({ length: draw.int(1, 3) }, () => builder.input(draw.array(dtype, shape, flavour)))
  const steps = draw.int(2, 6)
  for (let step = 0; step < steps; step++) pool.push(...grow(draw, builder, pool))
  const last = pool[pool.length - 1] as Value
  const outputs = [last, ...pool.slice(0, -1).filter(() => draw.once(5))]
  return builder.trial(outputs, draw.once(3) ? donationsOf(builder.graph(outputs)) : [])
}

/** A value of the pool, the latest more often than the others. */
const choose = (draw: Draw, pool: readonly Value[]): Value => (draw.once(2) ? draw.of(pool) : (pool[pool.length - 1] as Value))

/** A partner of the same shape and dtype: from the pool, broadcast from a smaller one, or a number. */
function partnerOf(draw: Draw, builder: GraphBuilder, pool: readonly Value[], value: Value): Value {
  const { shape, dtype } = value
  const alike = pool.filter((other) => other.dtype === dtype && sameShape(other.shape, shape))
  switch (draw.of(['alike', 'row', 'column', 'number'])) {
    case 'row': {
      if (shape.length === 0) break
      const row = builder.input(draw.array(dtype, shape.slice(-1), finite))
      return builder.apply('broadcast', { shape, axes: [shape.length - 1] }, row)
    }
    case 'column': {
      if (shape.length === 0) break
      const column = builder.input(draw.array(dtype, [...shape.slice(0, -1), 1], finite))
      return builder.apply('broadcast', { shape, axes: shape.map((_, axis) => axis) }, column)
    }
    case 'number':
      return builder.apply('full', { shape, dtype, value: draw.of([1, 0.5, 2, 3]) })
  }
  return draw.of(alike)
}

/** One or two more values. */
function grow(draw: Draw, builder: GraphBuilder, pool: readonly Value[]): Value[] {
  const x = choose(draw, pool)
  const { shape, dtype } = x
  const rank = shape.length
  const kind = kindOf(dtype)
  const unary = (): Value[] => [builder.apply(draw.of(UNARY[kind]), {}, x)]
  switch (
    draw.of([
      'unary',
      'binary',
      'binary',
      'select',
      'cast',
      'reduce',
      'centre',
      'transpose',
      'flip',
      'reshape',
      'slice',
      'pad',
      'concat',
      'dot',
    ])
  ) {
    case 'binary':
      return [builder.apply(draw.of(BINARY[kind]), {}, x, partnerOf(draw, builder, pool, x))]
    case 'select': {
      const other = partnerOf(draw, builder, pool, x)
      return [builder.apply('select', {}, builder.apply(draw.of(['lt', 'ge', 'eq'] as const), {}, x, other), x, other)]
    }
    case 'cast': {
      const other = draw.of(draw.dtypes)
      const narrow = builder.apply('cast', { dtype: other }, x)
      return draw.once(2) ? [narrow, builder.apply('cast', { dtype }, narrow)] : [narrow]
    }
    case 'reduce': {
      if (sizeOf(shape) === 0) return unary()
      const axes = draw.axesOf(shape)
      return [
        builder.apply(
          kind === 'bool'
            ? draw.of(['reduceMax', 'reduceMin'] as const)
            : draw.of(['reduceSum', 'reduceSum', 'reduceMax', 'reduceMin'] as const),
          { axes },
          x,
        ),
      ]
    }
    case 'centre': {
      // A reduction and its use over the same elements, as in softmax and normalisation.
      if (rank === 0 || kind === 'bool' || sizeOf(shape) === 0) return unary()
      const axes = draw.axesOf(shape)
      const total = builder.apply(draw.of(['reduceSum', 'reduceMax'] as const), { axes }, x)
      const back = builder.apply('broadcast', { shape, axes: shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis)) }, total)
      return [builder.apply('sub', {}, x, back)]
    }
    case 'transpose':
      return [builder.apply('transpose', { permutation: draw.permutation(rank) }, x)]
    case 'flip':
      return [builder.apply('slice', { start: shape.map((size) => Math.max(size - 1, 0)), size: shape, step: shape.map(() => -1) }, x)]
    case 'reshape':
      return [builder.apply('reshape', { shape: draw.of([[sizeOf(shape)], [1, ...shape], [...shape, 1]]) }, x)]
    case 'slice': {
      const start = shape.map((size) => draw.int(0, Math.max(size - 1, 0)))
      const size = shape.map((length, axis) => Math.ceil((length - (start[axis] as number)) / 2))
      return [builder.apply('slice', { start, size, step: shape.map(() => 2) }, x)]
    }
    case 'pad': {
      const value = builder.apply('full', { shape: [], dtype, value: draw.of([0, 1]) })
      return [
        builder.apply(
          'pad',
          { low: shape.map(() => draw.int(0, 2)), high: shape.map(() => draw.int(0, 2)), interior: shape.map(() => 0) },
          x,
          value,
        ),
      ]
    }
    case 'concat':
      return rank === 0 ? unary() : [builder.apply('concat', { axis: draw.axisOf(shape) }, x, partnerOf(draw, builder, pool, x))]
    case 'dot': {
      if (rank === 0 || kind === 'bool' || sizeOf(shape) > 2000) return unary()
      const weights = builder.input(draw.array(dtype, [shape[rank - 1] as number, draw.size()], finite))
      const product = builder.apply('dot', { batchA: [], batchB: [], contractA: [rank - 1], contractB: [0] }, x, weights)
      const bias = builder.input(draw.array(dtype, product.shape.slice(-1), finite))
      const sum = builder.apply('add', {}, product, builder.apply('broadcast', { shape: product.shape, axes: [rank - 1] }, bias))
      return draw.once(2) ? [sum] : [builder.apply('max', {}, sum, builder.apply('full', { shape: sum.shape, dtype, value: 0 }))]
    }
    default:
      return unary()
  }
}
