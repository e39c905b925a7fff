/**
 * Scales and shifts of channels after a convolution go into its kernel and bias, where only lasting values decide them, as in
 * batch normalisation that does not train: `conv(x, k)·s + t = conv(x, k·s) + t`. In mixed precision such a normalisation works in
 * float32 between two casts; then the folded kernel and bias are rounded instead of the image in between.
 */
import { countUses, type Graph, isNode, type Node, type Value } from '../graph.js'
import type { ConvSpec } from '../primitives.js'
import { eliminateDeadCode } from './dce.js'
import { lastingValues } from './lasting.js'
import { Rewriter } from './rewriter.js'

/** What an image is: a convolution whose kernel and bias, in float32, have taken in what came after it. */
interface Folded {
  readonly conv: Value
  readonly spec: ConvSpec
  readonly x: Value
  readonly kernel: Value
  readonly bias: Value | undefined
}

export function foldScales(graph: Graph, lasting: readonly number[]): Graph {
  const kept = lastingValues(graph, lasting)
  const isFoldable = (node: Node): boolean => isNode(node, 'conv') && kept.has(node.inputs[1] as Value)
  if (!graph.nodes.some(isFoldable)) return graph
  const uses = countUses(graph)
  const images = new Map<Value, Folded>()
  const rewriter = new Rewriter({}, (inner) => inner)
  const spread = (vector: Value, { shape }: Value): Value => rewriter.one('broadcast', { shape, axes: [shape.length - 1] }, vector)
  const cast = (x: Value, dtype: Value['dtype']): Value => (x.dtype === dtype ? x : rewriter.one('cast', { dtype }, x))

  /** The image of a node's input that nothing else needs. */
  const imageOf = (value: Value | undefined): Folded | undefined =>
    value !== undefined && uses.get(value) === 1 ? images.get(value) : undefined

  /** The vector of channels, in the graph as it was, that `value` spreads over an image. */
  function channelsOf({ node, shape }: Value): Value | undefined {
    if (!isNode(node, 'broadcast') || `${node.attributes.axes}` !== `${shape.length - 1}`) return undefined
    const vector = node.inputs[0] as Value
    return kept.has(vector) ? vector : undefined
  }

  function convolved({ conv, spec, x, kernel, bias }: Folded): Value {
    const image = rewriter.one('conv', spec, x, cast(kernel, conv.dtype))
    return bias === undefined ? image : rewriter.one('add', {}, image, spread(cast(bias, conv.dtype), image))
  }

  function visit(node: Node, now: (value: Value) => Value): readonly Value[] | undefined {
    const [result] = node.outputs as [Value]
    const [a, b] = node.inputs as [Value, Value]
    if (isNode(node, 'conv')) {
      if (node.attributes.layout !== 'channelsLast' || result.dtype === 'float64' || !isFoldable(node)) return undefined
      const exact = isNode(b.node, 'cast') && b.node.inputs[0]?.dtype === 'float32' ? b.node.inputs[0] : b
      images.set(result, { conv: result, spec: node.attributes, x: now(a), kernel: cast(now(exact), 'float32'), bias: undefined })
    } else if (isNode(node, 'cast')) {
      const image = imageOf(a)
      if (image !== undefined && result.dtype === image.conv.dtype) return [convolved(image)]
      if (image !== undefined && result.dtype === 'float32') images.set(result, image)
    } else if (isNode(node, 'mul') || isNode(node, 'add')) {
      const [image, channels] = imageOf(a) ? [imageOf(a), channelsOf(b)] : [imageOf(b), channelsOf(a)]
      if (image === undefined || channels === undefined) return undefined
      const vector = cast(now(channels), 'float32')
      const { kernel, bias } = image
      const after = isNode(node, 'add')
        ? { ...image, bias: bias === undefined ? vector : rewriter.one('add', {}, bias, vector) }
        : { ...image, kernel: rewriter.one('mul', {}, kernel, spread(vector, kernel)), bias: bias && rewriter.one('mul', {}, bias, vector) }
      images.set(result, after)
      if (image.conv.dtype === 'float32') return [convolved(after)]
    }
    return undefined
  }

  return eliminateDeadCode(rewriter.run(graph, visit))
}
