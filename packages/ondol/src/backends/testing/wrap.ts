/**
 * Surroundings for a tested primitive: its operands arrive transposed, flipped, strided, broadcast or
 * reshaped, as fused loops and strided views meet them, and its results leave likewise.
 */

import { isFloat } from '../../core/dtype.js'
import { sizeOf } from '../../core/shape.js'
import type { Value } from '../../engine/graph.js'
import { type HostArray, runPrimitive } from '../host/index.js'
import type { GraphBuilder } from './builder.js'
import type { Draw } from './draw.js'

const inverse = (permutation: readonly number[]): number[] => permutation.map((_, axis) => permutation.indexOf(axis))
const only = (results: HostArray[]): HostArray => results[0] as HostArray

/** A slice that reverses some axes. */
const flipOf = (shape: readonly number[], axes: readonly number[]): { start: number[]; size: readonly number[]; step: number[] } => ({
  start: shape.map((size, axis) => (axes.includes(axis) ? Math.max(size - 1, 0) : 0)),
  size: shape,
  step: shape.map((_, axis) => (axes.includes(axis) ? -1 : 1)),
})

/** A value equal to `array` (or, where broadcast, to its first slice everywhere) that takes a detour from a graph input. */
export function arrive(draw: Draw, builder: GraphBuilder, array: HostArray): Value {
  const { shape, dtype } = array
  const rank = shape.length
  const plain = (): Value => builder.input(array)
  if (rank === 0) return plain()
  switch (draw.of(['plain', 'plain', 'transpose', 'flip', 'strided', 'broadcast', 'reshape', 'negated'])) {
    case 'transpose': {
      const permutation = draw.permutation(rank)
      const source = builder.input(only(runPrimitive('transpose', { permutation: inverse(permutation) }, [array])))
      return builder.apply('transpose', { permutation }, source)
    }
    case 'flip': {
      const flip = flipOf(shape, draw.axesOf(shape))
      return builder.apply('slice', flip, builder.input(only(runPrimitive('slice', flip, [array]))))
    }
    case 'strided': {
      const axis = draw.axisOf(shape)
      const chosen = (yes: number, no: number): number[] => shape.map((_, at) => (at === axis ? yes : no))
      const hole = only(runPrimitive('full', { shape: [], dtype, value: 1 }, []))
      const spread = only(runPrimitive('pad', { low: chosen(1, 0), high: chosen(2, 0), interior: chosen(1, 0) }, [array, hole]))
      return builder.apply('slice', { start: chosen(1, 0), size: shape, step: chosen(2, 1) }, builder.input(spread))
    }
    case 'broadcast': {
      const axis = draw.axisOf(shape)
      if (shape[axis] === 0) return plain()
      const first = only(
        runPrimitive(
          'slice',
          { start: shape.map(() => 0), size: shape.map((size, at) => (at === axis ? 1 : size)), step: shape.map(() => 1) },
          [array],
        ),
      )
      const axes = shape.map((_, at) => at)
      if (draw.once(2)) return builder.apply('broadcast', { shape, axes }, builder.input(first))
      const dropped = only(runPrimitive('reshape', { shape: shape.filter((_, at) => at !== axis) }, [first]))
      return builder.apply('broadcast', { shape, axes: axes.filter((at) => at !== axis) }, builder.input(dropped))
    }
    case 'reshape':
      return builder.apply('reshape', { shape }, builder.input({ ...array, shape: [sizeOf(shape)] }))
    case 'negated': {
      if (!isFloat(dtype)) return plain()
      return builder.apply('neg', {}, builder.input(only(runPrimitive('neg', {}, [array]))))
    }
    default:
      return plain()
  }
}

/** The value, or a rearrangement of it. */
export function leave(draw: Draw, builder: GraphBuilder, value: Value): Value {
  const { shape } = value
  switch (draw.of(['plain', 'plain', 'plain', 'transpose', 'flip', 'reshape', 'concat'])) {
    case 'transpose':
      return builder.apply('transpose', { permutation: draw.permutation(shape.length) }, value)
    case 'flip':
      return builder.apply('slice', flipOf(shape, draw.axesOf(shape)), value)
    case 'reshape':
      return builder.apply('reshape', { shape: [1, sizeOf(shape)] }, value)
    case 'concat':
      return shape.length === 0 ? value : builder.apply('concat', { axis: draw.axisOf(shape) }, value, value)
    default:
      return value
  }
}
