/** Movements that cancel, merge, or move something that is the same everywhere. */
import { type Shape, sameShape, sizeOf } from '../../core/shape.js'
import { isNode, type Node, type Value } from '../graph.js'
import type { Rewriter, Rules } from './rewriter.js'

const inputOf = (node: Node): Value => node.inputs[0] as Value
/** The number that fills a value, if one does. */
export const fillOf = (value: Value): number | undefined => (isNode(value.node, 'full') ? value.node.attributes.value : undefined)
const isIdentity = (permutation: readonly number[]): boolean => permutation.every((axis, at) => axis === at)
const wide = (shape: Shape): number[] => shape.filter((size) => size !== 1)

/** Where each axis of `inner` sits in `outer` if `outer` only has more axes of size 1; else null. */
function axesWithin(inner: Shape, outer: Shape): number[] | null {
  const axes: number[] = []
  let at = 0
  for (const size of inner) {
    while (at < outer.length && outer[at] !== size) {
      if (outer[at] !== 1) return null
      at++
    }
    if (at === outer.length) return null
    axes.push(at++)
  }
  return outer.slice(at).every((size) => size === 1) ? axes : null
}

export const MOVEMENT_RULES: Rules = {
  reshape: [
    (r, { shape }, [x]) => {
      const { node } = x as Value
      if (sameShape((x as Value).shape, shape)) return x as Value
      if (isNode(node, 'reshape')) return r.reshape(inputOf(node), shape)
      if (isNode(node, 'full')) return r.full(shape, (x as Value).dtype, node.attributes.value)
      if (isNode(node, 'constant')) return r.one('constant', { ...node.attributes, shape })
      if (isNode(node, 'broadcast') && sameShape(wide(shape), wide(node.attributes.shape))) return respread(r, node, shape)
      return null
    },
  ],
  transpose: [
    (r, { permutation }, [x]) => {
      const { node, shape } = x as Value
      if (isIdentity(permutation)) return x as Value
      if (isNode(node, 'transpose')) {
        const before = node.attributes.permutation
        return r.one('transpose', { permutation: permutation.map((axis) => before[axis] as number) }, inputOf(node))
      }
      const to = permutation.map((axis) => shape[axis] as number)
      if (isNode(node, 'full')) return r.full(to, (x as Value).dtype, node.attributes.value)
      if (isIdentity(wideOrder(permutation, shape))) return r.reshape(x as Value, to)
      if (isNode(node, 'dot')) return swapped(r, node, permutation)
      return null
    },
  ],
  broadcast: [
    (r, { shape, axes }, [x]) => {
      const { node } = x as Value
      const source = (x as Value).shape
      if (sameShape(source, shape)) return x as Value
      if (isNode(node, 'full')) return r.full(shape, (x as Value).dtype, node.attributes.value)
      if (isNode(node, 'broadcast')) {
        return r.one('broadcast', { shape, axes: node.attributes.axes.map((axis) => axes[axis] as number) }, inputOf(node))
      }
      if (sizeOf(source) === sizeOf(shape)) return r.reshape(x as Value, shape)
      if (isNode(node, 'reshape')) {
        const inner = axesWithin(inputOf(node).shape, source)
        if (inner !== null) return r.one('broadcast', { shape, axes: inner.map((axis) => axes[axis] as number) }, inputOf(node))
      }
      if (source.some((size) => size === 1)) {
        const kept = axes.filter((_, at) => source[at] !== 1)
        return r.one('broadcast', { shape, axes: kept }, r.reshape(x as Value, wide(source)))
      }
      return null
    },
  ],
  slice: [
    (r, { start, size, step }, [x]) => {
      const { node, shape, dtype } = x as Value
      if (sameShape(shape, size) && size.every((extent, axis) => step[axis] === 1 || extent <= 1)) return x as Value
      if (isNode(node, 'full')) return r.full(size, dtype, node.attributes.value)
      if (isNode(node, 'slice')) {
        const before = node.attributes
        const at = start.map((from, axis) => (before.start[axis] as number) + from * (before.step[axis] as number))
        return r.one('slice', { start: at, size, step: step.map((by, axis) => by * (before.step[axis] as number)) }, inputOf(node))
      }
      if (isNode(node, 'concat')) {
        const { axis } = node.attributes
        const reach = Math.max((size[axis] as number) - 1, 0) * (step[axis] as number)
        const [low, high] = [
          Math.min(start[axis] as number, (start[axis] as number) + reach),
          Math.max(start[axis] as number, (start[axis] as number) + reach),
        ]
        let from = 0
        for (const part of node.inputs) {
          const extent = part.shape[axis] as number
          if (low >= from && high < from + extent) {
            const at = start.map((place, along) => (along === axis ? place - from : place))
            return r.one('slice', { start: at, size, step }, part)
          }
          from += extent
        }
      }
      if (isNode(node, 'broadcast')) {
        const { axes } = node.attributes
        const source = inputOf(node)
        const isCut = source.shape.some(
          (extent, at) => extent !== 1 && (size[axes[at] as number] !== extent || step[axes[at] as number] !== 1),
        )
        if (!isCut) return r.one('broadcast', { shape: size, axes }, source)
      }
      return null
    },
  ],
  pad: [
    (r, { low, high, interior }, [x, value]) => {
      const { shape, dtype } = x as Value
      if (low.every((count, axis) => count === 0 && high[axis] === 0 && (interior[axis] === 0 || (shape[axis] as number) <= 1)))
        return x as Value
      const fill = fillOf(value as Value)
      if (fill === undefined || !Object.is(fillOf(x as Value), fill)) return null
      return r.full(
        shape.map(
          (size, axis) => size + (low[axis] as number) + (high[axis] as number) + Math.max(size - 1, 0) * (interior[axis] as number),
        ),
        dtype,
        fill,
      )
    },
  ],
  concat: [
    (r, { axis }, inputs) => {
      const parts = inputs.filter(({ shape }) => shape[axis] !== 0)
      if (parts.length === 1) return parts[0] as Value
      if (parts.length > 0 && parts.length < inputs.length) return r.one('concat', { axis }, ...parts)
      const [first] = inputs as [Value]
      const fill = fillOf(first)
      const total = inputs.reduce((sum, { shape }) => sum + (shape[axis] as number), 0)
      const shape = first.shape.map((size, at) => (at === axis ? total : size))
      if (fill !== undefined && inputs.every((part) => Object.is(fillOf(part), fill))) return r.full(shape, first.dtype, fill)
      return wholeOf(inputs, axis, total)
    },
  ],
}

/** A broadcast under another shape that differs in axes of size 1 only. */
function respread(r: Rewriter, node: Node<'broadcast'>, shape: Shape): Value | null {
  const { shape: before, axes } = node.attributes
  const source = node.inputs[0] as Value
  if (source.shape.some((size) => size === 1)) return null
  const from = before.flatMap((size, axis) => (size === 1 ? [] : [axis]))
  const to = shape.flatMap((size, axis) => (size === 1 ? [] : [axis]))
  return r.one('broadcast', { shape, axes: axes.map((axis) => to[from.indexOf(axis)] as number) }, source)
}

/** (a · b)ᵀ is b · a with the operands' roles exchanged: the product then comes out as it is wanted. */
function swapped(r: Rewriter, node: Node<'dot'>, permutation: readonly number[]): Value | null {
  const { batchA, batchB, contractA, contractB } = node.attributes
  const [a, b] = node.inputs as [Value, Value]
  const batch = batchA.length
  const freeA = a.shape.length - batch - contractA.length
  const freeB = b.shape.length - batch - contractB.length
  const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i)
  const order = [...range(0, batch), ...range(batch + freeA, freeB), ...range(batch, freeA)]
  if (!sameShape(order, permutation)) return null
  return r.one('dot', { batchA: batchB, batchB: batchA, contractA: contractB, contractB: contractA }, b, a)
}

/** How a permutation orders the axes that are not of size 1, as a permutation of those. */
function wideOrder(permutation: readonly number[], shape: Shape): number[] {
  const axes = permutation.filter((axis) => shape[axis] !== 1)
  const sorted = [...axes].sort((a, b) => a - b)
  return axes.map((axis) => sorted.indexOf(axis))
}

/** The value that consecutive slices make up again, if they do. */
function wholeOf(parts: readonly Value[], axis: number, total: number): Value | null {
  let source: Value | undefined
  let from = 0
  for (const { node, shape } of parts) {
    if (!isNode(node, 'slice')) return null
    const { start, step } = node.attributes
    source ??= inputOf(node)
    const isNext =
      inputOf(node) === source && start.every((at, along) => at === (along === axis ? from : 0)) && step.every((by) => by === 1)
    if (!isNext || shape.some((size, along) => along !== axis && size !== source?.shape[along])) return null
    from += shape[axis] as number
  }
  return source !== undefined && source.shape[axis] === total ? source : null
}
