/** Reductions and concatenations: statistics of a concat are concats of statistics, sums of pads are concats. */
import { bytesOf, isFloat } from '../../core/dtype.js'
import { type Shape, sizeOf } from '../../core/shape.js'
import { isNode, type Value } from '../graph.js'
import type { ReduceName } from '../primitives.js'
import type { Rewriter, Rule, Rules } from './rewriter.js'
import { literalOf } from './scalars.js'
import { fillOf } from './simplify-movement.js'

const without = (shape: Shape, axes: readonly number[]): number[] => shape.filter((_, axis) => !axes.includes(axis))

const reduction =
  (primitive: ReduceName): Rule<typeof primitive> =>
  (r, { axes }, [x]) => {
    const { node, shape, dtype } = x as Value
    const isPlain = dtype !== 'bool' || primitive === 'reduceMax' || primitive === 'reduceMin'
    const wide = axes.filter((axis) => shape[axis] !== 1)
    if (wide.length < axes.length && isPlain) {
      const narrow = axes.filter((axis) => shape[axis] === 1)
      const moved = wide.map((axis) => axis - narrow.filter((other) => other < axis).length)
      return r.one(primitive, { axes: moved }, r.reshape(x as Value, without(shape, narrow)))
    }
    if (axes.length === 0 && isPlain) return x as Value
    const count = sizeOf(axes.map((axis) => shape[axis] as number))
    const fill = fillOf(x as Value)
    if (fill !== undefined && count > 0 && isFloat(dtype)) {
      if (primitive === 'reduceSum') return r.full(without(shape, axes), dtype, fill * count)
      if (primitive !== 'reduceProd') return r.full(without(shape, axes), dtype, fill)
    }
    if (isNode(node, 'concat') && !axes.includes(node.attributes.axis)) {
      const axis = node.attributes.axis - axes.filter((other) => other < node.attributes.axis).length
      return r.one('concat', { axis }, ...node.inputs.map((part) => r.one(primitive, { axes }, part)))
    }
    return null
  }

export const STRUCTURE_RULES: Rules = {
  reduceSum: [reduction('reduceSum')],
  reduceProd: [reduction('reduceProd')],
  reduceMax: [reduction('reduceMax')],
  reduceMin: [reduction('reduceMin')],
  moments: [
    (r, { axes }, [x]) => {
      const { node, dtype } = x as Value
      const given = isNode(node, 'cast') ? (node.inputs[0] as Value) : undefined
      const isWidened = given !== undefined && bytesOf(given.dtype) < bytesOf(dtype)
      const { node: source } = isWidened ? given : (x as Value)
      // Each part's numbers once, also where a growing concat is looked at again and again.
      if (isNode(source, 'concat') && !axes.includes(source.attributes.axis)) {
        const axis = source.attributes.axis - axes.filter((other) => other < source.attributes.axis).length
        const parts = source.inputs.map((part) => r.all('moments', { axes }, [isWidened ? r.one('cast', { dtype }, part) : part]))
        return [0, 1].map((which) => r.one('concat', { axis }, ...parts.map((part) => part[which] as Value)))
      }
      return isWidened ? momentsBySums(r, x as Value, axes) : null
    },
  ],
}

/**
 * Mean, then mean square of what differs from it, as sums: these take the widening of their operand in, and read
 * half-width numbers twice, where the kernel would have them written and read at full width.
 */
function momentsBySums(r: Rewriter, x: Value, axes: readonly number[]): Value[] | null {
  const count = sizeOf(axes.map((axis) => x.shape[axis] as number))
  if (count === 0) return null
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis))
  const average = (value: Value): Value => {
    const sum = r.one('reduceSum', { axes }, value)
    return r.one('mul', {}, sum, r.full(sum.shape, sum.dtype, literalOf(sum.dtype, 1 / count)))
  }
  const mean = average(x)
  const difference = r.one('sub', {}, x, r.one('broadcast', { shape: x.shape, axes: kept }, mean))
  return [mean, average(r.one('mul', {}, difference, difference))]
}

/** A value that is zero but for pieces side by side along one axis. */
interface Pieces {
  readonly axis: number
  readonly parts: readonly { readonly from: number; readonly value: Value }[]
}

function piecesOf(value: Value): Pieces | null {
  const { node } = value
  if (isNode(node, 'pad')) {
    const { low, high, interior } = node.attributes
    if (!Object.is(fillOf(node.inputs[1] as Value), 0) || interior.some((gap) => gap !== 0)) return null
    const padded = low.flatMap((before, axis) => (before !== 0 || high[axis] !== 0 ? [axis] : []))
    const [axis] = padded
    return padded.length === 1 && axis !== undefined
      ? { axis, parts: [{ from: low[axis] as number, value: node.inputs[0] as Value }] }
      : null
  }
  if (!isNode(node, 'concat')) return null
  const { axis } = node.attributes
  let from = 0
  const parts: { from: number; value: Value }[] = []
  for (const part of node.inputs) {
    if (!Object.is(fillOf(part), 0)) parts.push({ from, value: part })
    from += part.shape[axis] as number
  }
  return parts.length < node.inputs.length ? { axis, parts } : null
}

/** The gradient of a split: pads that do not overlap, added up, are one concat. */
export const sumOfPads: Rule<'add'> = (r, _, [x, y]) => {
  const [a, b] = [piecesOf(x as Value), piecesOf(y as Value)]
  if (a === null || b === null || a.axis !== b.axis) return null
  const { axis } = a
  const parts = [...a.parts, ...b.parts].sort((first, second) => first.from - second.from)
  const end = (part: { from: number; value: Value }): number => part.from + (part.value.shape[axis] as number)
  if (parts.some((part, i) => i > 0 && part.from < end(parts[i - 1] as (typeof parts)[number]))) return null
  const total = (x as Value).shape[axis] as number
  const inputs: Value[] = []
  let at = 0
  const gap = (to: number): void => {
    if (to > at) inputs.push(zeros(r, x as Value, axis, to - at))
  }
  for (const part of parts) {
    gap(part.from)
    inputs.push(part.value)
    at = end(part)
  }
  gap(total)
  return r.one('concat', { axis }, ...inputs)
}

const zeros = (r: Rewriter, like: Value, axis: number, extent: number): Value =>
  r.full(
    like.shape.map((size, at) => (at === axis ? extent : size)),
    like.dtype,
    0,
  )
