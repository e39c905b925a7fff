/**
 * Kernels over images work with channels last, whatever layout was asked for: backends are fast in that one. A kernel with
 * channels first becomes one with channels last between two transposes; element-wise work, reductions and concatenations
 * in between move to the other side of them, so that along a chain of layers all but the outermost cancel.
 */
import { isNode, type Value } from '../graph.js'
import {
  ARITHMETIC,
  BIT_UNARY,
  BITWISE,
  COMPARISON,
  type ConvSpec,
  type ElementwiseName,
  FLOAT_UNARY,
  LOGICAL,
  NUMBER_UNARY,
  type PrimitiveName,
} from '../primitives.js'
import type { Rewriter, Rule, Rules } from './rewriter.js'

const toLast = (rank: number): number[] => [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1]
const toFirst = (rank: number): number[] => [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)]

/** Values with channels last that came of kernels, or of work on those: what is worth to be followed. */
const images = new WeakSet<Value>()

const last = (r: Rewriter, x: Value): Value => r.one('transpose', { permutation: toLast(x.shape.length) }, x)
function first(r: Rewriter, x: Value): Value {
  images.add(x)
  return r.one('transpose', { permutation: toFirst(x.shape.length) }, x)
}

/** The image that `x` has with channels first, if it is one. */
function imageOf({ node, shape }: Value): Value | undefined {
  const source = isNode(node, 'transpose') ? (node.inputs[0] as Value) : undefined
  if (source === undefined || !images.has(source) || !isNode(node, 'transpose')) return undefined
  return `${node.attributes.permutation}` === `${toFirst(shape.length)}` ? source : undefined
}

/** `x` with channels last, where that costs nothing. */
function cheaply(r: Rewriter, x: Value): Value | undefined {
  const image = imageOf(x)
  if (image !== undefined) return image
  const permutation = toLast(x.shape.length)
  const { node } = x
  if (isNode(node, 'full')) return last(r, x)
  if (!isNode(node, 'broadcast')) return r.find('transpose', { permutation }, x)
  const axes = node.attributes.axes.map((axis) => permutation.indexOf(axis))
  if (axes.some((axis, i) => i > 0 && axis < (axes[i - 1] as number))) return undefined
  return r.one('broadcast', { shape: permutation.map((axis) => x.shape[axis] as number), axes }, node.inputs[0] as Value)
}

type KernelName = 'conv' | 'convInputGrad' | 'convKernelGrad' | 'maxPool' | 'maxPoolGrad' | 'maxPoolGather' | 'avgPool' | 'avgPoolGrad'
/** Which inputs of a kernel are images, and whether its outputs are. */
const IMAGES: Readonly<Record<KernelName, { readonly inputs: readonly number[]; readonly makes: boolean }>> = {
  conv: { inputs: [0], makes: true },
  convInputGrad: { inputs: [0], makes: true },
  convKernelGrad: { inputs: [0, 1], makes: false },
  maxPool: { inputs: [0], makes: true },
  maxPoolGrad: { inputs: [0, 1], makes: true },
  maxPoolGather: { inputs: [0, 1], makes: true },
  avgPool: { inputs: [0], makes: true },
  avgPoolGrad: { inputs: [0], makes: true },
}

const kernelRule = (primitive: KernelName): Rule<PrimitiveName> => {
  const roles = IMAGES[primitive]
  return (r, given, inputs) => {
    const attributes = given as { readonly layout: ConvSpec['layout']; readonly inputShape?: readonly number[] }
    if (attributes.layout !== 'channelsFirst') return null
    const { inputShape } = attributes
    const turned = {
      ...attributes,
      layout: 'channelsLast',
      ...(inputShape !== undefined && { inputShape: toLast(inputShape.length).map((axis) => inputShape[axis] as number) }),
    }
    const outputs = r.all(
      primitive,
      turned as never,
      inputs.map((x, i) => (roles.inputs.includes(i) ? last(r, x) : x)),
    )
    return roles.makes ? outputs.map((y) => first(r, y)) : outputs
  }
}

const ELEMENTWISE: readonly ElementwiseName[] = [
  ...[...FLOAT_UNARY, ...NUMBER_UNARY, ...BIT_UNARY],
  ...[...ARITHMETIC, ...BITWISE, ...COMPARISON, ...LOGICAL],
  ...(['select', 'cast'] as const),
]

const elementwiseRule =
  (primitive: ElementwiseName): Rule<PrimitiveName> =>
  (r, attributes, inputs) => {
    if (!inputs.some((x) => x.shape.length > 2 && imageOf(x) !== undefined)) return null
    const turned = inputs.map((x) => cheaply(r, x))
    if (turned.some((x) => x === undefined)) return null
    return r.all(primitive, attributes as never, turned as Value[]).map((y) => first(r, y))
  }

const reductionRule =
  (primitive: 'reduceSum' | 'reduceProd' | 'reduceMax' | 'reduceMin' | 'moments'): Rule<PrimitiveName> =>
  (r, attributes, [x]) => {
    const image = imageOf(x as Value)
    if (image === undefined) return null
    const rank = image.shape.length
    const axes = (attributes as { readonly axes: readonly number[] }).axes
      .map((axis) => toFirst(rank)[axis] as number)
      .sort((a, b) => a - b)
    // The axes that stay must stay in order: the channel is the one that moves.
    const staying = image.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis))
    if (staying.includes(rank - 1) && staying.some((axis) => axis > 0 && axis < rank - 1)) return null
    return r.all(primitive, { axes }, [image])
  }

const concatRule: Rule<'concat'> = (r, { axis }, inputs) => {
  if (!inputs.every((x) => imageOf(x) !== undefined)) return null
  const at = toFirst((inputs[0] as Value).shape.length)[axis] as number
  return first(
    r,
    r.all(
      'concat',
      { axis: at },
      inputs.map((x) => imageOf(x) as Value),
    )[0] as Value,
  )
}

const rulesOf = <N extends string>(names: readonly N[], rule: (name: N) => Rule<PrimitiveName>): Rules =>
  Object.fromEntries(names.map((name) => [name, [rule(name)]]))

export const CHANNELS_LAST_RULES: Rules = {
  ...rulesOf(Object.keys(IMAGES) as KernelName[], kernelRule),
  ...rulesOf(ELEMENTWISE, elementwiseRule),
  ...rulesOf(['reduceSum', 'reduceProd', 'reduceMax', 'reduceMin', 'moments'] as const, reductionRule),
  concat: [concatRule],
}
