/** Kernel operations → kernel steps: attributes, and operands in the views that plan.ts promises. */
import { type Shape, sizeOf } from '../../core/shape.js'
import { isNode, type Node, type Value } from '../graph.js'
import type { KernelAttributes, KernelName, KernelStep, View } from '../plan.js'
import type { Operation } from './legalize.js'
import type { Place } from './loops.js'
import { reshapeView, type Strided } from './strided.js'

export interface KernelContext {
  /** A view of a value in memory. */
  readonly viewOf: (value: Value) => Place
  readonly isUsed: (value: Value) => boolean
}

/** The step of a kernel operation other than control flow. */
export function kernelStep(operation: Operation, { viewOf, isUsed }: KernelContext): KernelStep {
  const { node, inputs, outputs, bias } = operation
  const scope = node.scope
  const views = inputs.map(viewOf)
  const results = outputs.map(viewOf)
  const step = <K extends KernelName>(kernel: K, attributes: KernelAttributes[K], from: readonly View[], to: readonly View[]): KernelStep =>
    ({ kind: 'kernel', kernel, attributes, inputs: from, outputs: to, scope }) as KernelStep
  const extra = bias === undefined ? [] : [flat(viewOf(bias))]
  const epilogue = { bias: bias !== undefined, activation: operation.relu ? 'relu' : 'none' } as const

  if (isNode(node, 'dot')) {
    const [a, b] = views as [Place, Place]
    const [batch, m] = a.shape as [number, number, number]
    const n = b.shape[2] as number
    return step('matmul', epilogue, [matrix(a), matrix(b), ...extra], [as(results[0] as Place, [batch, m, n])])
  }
  if (isNode(node, 'conv')) return step('conv', { ...node.attributes, ...epilogue }, [...views, ...extra], results)
  if (isNode(node, 'convInputGrad')) {
    const { inputShape: _, ...spec } = node.attributes
    return step('convInputGrad', spec, views, results)
  }
  if (isNode(node, 'convKernelGrad')) {
    const { kernelShape: _, ...spec } = node.attributes
    return step('convKernelGrad', spec, views, results)
  }
  if (isNode(node, 'maxPool')) {
    const positions = isUsed(outputs[1] as Value)
    return step('maxPool', { ...node.attributes, positions }, views, positions ? results : results.slice(0, 1))
  }
  if (isNode(node, 'avgPool')) return step('avgPool', node.attributes, views, results)
  if (isNode(node, 'maxPoolGather')) return step('maxPoolGather', node.attributes, views, results)
  if (isNode(node, 'maxPoolGrad') || isNode(node, 'avgPoolGrad')) {
    const { inputShape: _, ...spec } = node.attributes
    return step(node.primitive, spec, views, results)
  }
  if (isNode(node, 'moments')) {
    const x = views[0] as Place
    const [outer, , inner] = x.shape as [number, number, number]
    return step(
      'moments',
      {},
      [x],
      results.map((view) => as(view, [outer, inner])),
    )
  }
  if (isNode(node, 'argMax') || isNode(node, 'argMin')) {
    const [outer, n, inner] = around((views[0] as Place).shape, [node.attributes.axis])
    return step(node.primitive, {}, [as(views[0] as Place, [outer, n, inner])], [as(results[0] as Place, [outer, inner])])
  }
  if (isNode(node, 'cumSum') || isNode(node, 'cumProd') || isNode(node, 'cumMax')) {
    const shape = around((views[0] as Place).shape, [node.attributes.axis])
    return step(node.primitive, { reverse: node.attributes.reverse }, [as(views[0] as Place, shape)], [as(results[0] as Place, shape)])
  }
  if (isNode(node, 'sort')) {
    const shape = around((views[0] as Place).shape, [node.attributes.axis])
    return step(
      'sort',
      { descending: node.attributes.descending },
      [as(views[0] as Place, shape)],
      results.map((view) => as(view, shape)),
    )
  }
  if (isNode(node, 'gather')) {
    const [x, indices] = views as [Place, Place]
    const [outer, n, inner] = around(x.shape, [node.attributes.axis])
    return step('gather', {}, [as(x, [outer, n, inner]), flat(indices)], [as(results[0] as Place, [outer, sizeOf(indices.shape), inner])])
  }
  if (isNode(node, 'scatterAdd') || isNode(node, 'scatterSet')) {
    const [, indices, updates] = views as [Place, Place, Place]
    const result = results[0] as Place
    const [outer, n, inner] = around(result.shape, [node.attributes.axis])
    return step(node.primitive, {}, [flat(indices), as(updates, [outer, sizeOf(indices.shape), inner])], [as(result, [outer, n, inner])])
  }
  throw new TypeError(`no kernel for ${(node as Node).primitive}`)
}

/** Sizes before, of, and after a run of axes. */
export function around(shape: Shape, axes: readonly number[]): [number, number, number] {
  const first = axes.length === 0 ? shape.length : Math.min(...axes)
  const past = axes.length === 0 ? shape.length : Math.max(...axes) + 1
  return [sizeOf(shape.slice(0, first)), sizeOf(shape.slice(first, past)), sizeOf(shape.slice(past))]
}

function as(place: Place, shape: Shape): View {
  const view = reshapeView(place, shape) as Strided
  return { buffer: place.buffer, offset: view.offset, shape, strides: view.strides }
}

const flat = (place: Place): View => as(place, [sizeOf(place.shape)])

/** Gives axes of size 1 the stride that makes the other one leading. */
function matrix({ buffer, offset, shape, strides }: Place): View {
  const [batch, rows, columns] = shape as [number, number, number]
  let [step, row, column] = strides as [number, number, number]
  if (columns === 1 && rows === 1) [row, column] = [1, 1]
  else if (columns === 1) column = row === 1 ? rows : 1
  else if (rows === 1) row = column === 1 ? columns : 1
  if (batch === 1) step = 0
  return { buffer, offset, shape, strides: [step, row, column] }
}
