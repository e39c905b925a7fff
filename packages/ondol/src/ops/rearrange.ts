/** Axes named in words: `ops.rearrange(x, 'b (h p) c -> b h (p c)', { p: 2 })`, as einops writes them. */
import { ShapeError, ValueError } from '../core/errors.js'
import { formatShape, type Shape } from '../core/shape.js'
import { lax, type Tensor } from '../engine/index.js'
import { type AnyTensor, asTensor, defineOp, type TensorLike } from './define.js'
import type { KerasTensor } from './operation.js'

/** Each axis as the names of what is in it: one name, several in parentheses, none for `1`. `...` stands for any axes. */
type Side = readonly (readonly string[])[]

const REST = '...'
/** The same inside parentheses, where the axes become one. */
const JOINED = '(...)'

function parse(side: string): Side {
  const tokens = side.match(/\.\.\.|[A-Za-z_]\w*|1|[()]|\S/g) ?? []
  const axes: string[][] = []
  let group: string[] | null = null
  for (const token of tokens) {
    if (token === '(') {
      if (group !== null) throw invalid(side, 'parentheses inside parentheses')
      group = []
    } else if (token === ')') {
      if (group === null) throw invalid(side, 'a parenthesis that nothing opened')
      axes.push(group)
      group = null
    } else if (!/^(\.\.\.|[A-Za-z_]\w*|1)$/.test(token)) {
      throw invalid(side, `'${token}'`)
    } else if (group !== null) {
      if (token !== '1') group.push(token === REST ? JOINED : token)
    } else {
      axes.push(token === '1' ? [] : [token])
    }
  }
  if (group !== null) throw invalid(side, 'a parenthesis that nothing closes')
  const names = axes.flat().map((name) => (name === JOINED ? REST : name))
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw invalid(side, `'${twice}' twice`)
  return axes
}

const invalid = (side: string, received: string): ValueError =>
  new ValueError({
    where: 'rearrange',
    problem: `the pattern '${side.trim()}' cannot be read`,
    expected: "names, groups in parentheses, 1 and '...'",
    received,
  })

/** `...` as names of its own for the axes that are left. */
function expanded(side: Side, rest: readonly string[]): Side {
  return side.flatMap((axis) => {
    if (axis[0] === REST) return rest.map((name) => [name])
    return [axis.flatMap((name) => (name === JOINED ? rest : [name]))]
  })
}

/** The size of each name: given, or what is left of an axis. */
function sizesOf(pattern: string, side: Side, shape: Shape, given: Readonly<Record<string, number>>): Map<string, number> {
  const sizes = new Map<string, number>()
  side.forEach((names, axis) => {
    const size = shape[axis] as number
    const open = names.filter((name) => given[name] === undefined)
    const known = names.reduce((product, name) => product * (given[name] ?? 1), 1)
    if (open.length > 1 || size % known !== 0 || (open.length === 0 && known !== size)) {
      throw new ShapeError({
        where: 'rearrange',
        problem: `axis ${axis} of '${pattern}' does not fit`,
        expected: open.length > 1 ? `sizes for all but one of ${names.join(', ')}` : `a size that ${known} divides`,
        received: `${size} in ${formatShape(shape)}`,
      })
    }
    for (const name of names) sizes.set(name, given[name] ?? size / known)
  })
  return sizes
}

const op = defineOp<[Tensor], { pattern: string; axesLengths?: AxesLengths }, Tensor>({
  name: 'Rearrange',
  module: 'einops',
  tensors: 1,
  parameters: ['pattern', 'axesLengths'],
  call: ([input], { pattern, axesLengths = {} }) => {
    const x = asTensor(input)
    const [left, right, ...more] = pattern.split('->')
    if (left === undefined || right === undefined || more.length > 0) throw invalid(pattern, "no single '->'")
    const [from, to] = [parse(left), parse(right)]
    const hasRest = from.flat().includes(REST)
    const count = x.rank - from.length + (hasRest ? 1 : 0)
    const rest = hasRest ? Array.from({ length: Math.max(count, 0) }, (_, i) => `…${i}`) : []
    const [source, target] = [expanded(from, rest), expanded(to, rest)]
    if (source.length !== x.rank)
      throw new ShapeError({
        where: 'rearrange',
        problem: `'${pattern}' has another number of axes`,
        expected: `${source.length}`,
        received: formatShape(x.shape),
      })
    const sizes = sizesOf(pattern, source, x.shape, axesLengths)
    const [before, after] = [source.flat(), target.flat()]
    const stranger = [...after.filter((name) => !before.includes(name)), ...before.filter((name) => !after.includes(name))][0]
    if (stranger !== undefined)
      throw new ValueError({
        where: 'rearrange',
        problem: `'${stranger}' is on one side only`,
        expected: 'the same names on both sides',
        received: `'${pattern}'`,
      })
    const sizeOf = (name: string): number => sizes.get(name) as number
    const apart = lax.reshape(x, before.map(sizeOf))
    const ordered = lax.transpose(
      apart,
      after.map((name) => before.indexOf(name)),
    )
    return lax.reshape(
      ordered,
      target.map((names) => names.reduce((product, name) => product * sizeOf(name), 1)),
    )
  },
})

/** Sizes of names that the shape does not tell. */
export type AxesLengths = Readonly<Record<string, number>>

interface Rearrange {
  (x: TensorLike, pattern: string, axesLengths?: AxesLengths): Tensor
  (x: AnyTensor | TensorLike, pattern: string, axesLengths?: AxesLengths): KerasTensor
  readonly definition: typeof op.definition
}

/**
 * The tensor with its axes taken apart, put in another order and together, as the pattern says.
 *
 * @example
 * const patches = ops.rearrange(images, 'b (h p) (w q) c -> b (h w) (p q c)', { p: 16, q: 16 })
 */
export const rearrange = Object.assign(
  (x: TensorLike, pattern: string, axesLengths: AxesLengths = {}): Tensor => op(x, { pattern, axesLengths }),
  { definition: op.definition },
) as Rearrange
