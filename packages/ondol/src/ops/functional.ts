/** Functions of functions over tensors: branches by number, prefix scans, maps, directional derivatives. */
import { ValueError } from '../core/errors.js'
import { normalizeAxis } from '../core/shape.js'
import { flatten, mapTree, type Tree, unflatten } from '../core/tree.js'
import { GradientTape, lax, type Tensor } from '../engine/index.js'
import { cond, map } from './control.js'
import { asTensor, defineOp, type TensorLike } from './define.js'

/**
 * `branches[index](...operands)`; an index outside counts as the nearest one inside. Only the branch taken is computed.
 *
 * @example
 * ops.switch(1, [(x) => ops.exp(x), (x) => ops.log(x)], x)
 */
export function switchCase<A extends readonly unknown[], R extends Tree<Tensor>>(
  index: TensorLike,
  branches: readonly ((...operands: A) => R)[],
  ...operands: A
): R {
  const last = branches.length - 1
  if (last < 0) throw new ValueError({ where: 'switch', problem: 'there are no branches' })
  const at = lax.cast(asTensor(index), 'int32')
  // Eagerly the branch can simply be called.
  if (!at.isTraced) return (branches[Math.min(Math.max(Number(at.dataSync()[0]), 0), last)] as (...given: A) => R)(...operands)
  // Halves, and halves of these: choices in choices, so few deep.
  const among = (low: number, high: number): R => {
    if (low === high) return (branches[low] as (...given: A) => R)(...operands)
    const middle = (low + high) >> 1
    return cond(
      lax.withNumber(at, lax.le, middle),
      () => among(low, middle),
      () => among(middle + 1, high),
    )
  }
  return among(0, last)
}

/** The slices of x along `axis`, without it. */
export const unstack = defineOp<[Tensor], { num?: number | null; axis?: number }, Tensor[]>({
  name: 'Unstack',
  module: 'core',
  tensors: 1,
  parameters: ['num', 'axis'],
  call: ([input], { num, axis = 0 }) => {
    const x = asTensor(input)
    const along = normalizeAxis(axis, x.rank, 'unstack')
    const count = x.shape[along] as number
    if (num != null && num !== count)
      throw new ValueError({ where: 'unstack', problem: 'num is not the size of the axis', expected: `${count}`, received: `${num}` })
    const rest = x.shape.filter((_, at) => at !== along)
    return Array.from({ length: count }, (_, i) => {
      const start = x.shape.map((_size, at) => (at === along ? i : 0))
      const size = x.shape.map((n, at) => (at === along ? 1 : n))
      return lax.reshape(lax.slice(x, start, size), rest)
    })
  },
})

/** `f` for each slice along axis 0, stacked. */
export const vectorizedMap = map

/**
 * Running combinations: y₀ = x₀, yᵢ = f(yᵢ₋₁, xᵢ), in a number of passes that grows as the logarithm of the length.
 * `f` must be associative, and work on many elements along `axis` at once.
 */
export function associativeScan<X extends Tree<Tensor>>(
  f: (earlier: X, later: X) => X,
  elems: X,
  { reverse = false, axis = 0 }: { readonly reverse?: boolean; readonly axis?: number } = {},
): X {
  const leaves = flatten<Tensor>(elems)
  const [first] = leaves
  if (first === undefined) return elems
  const along = normalizeAxis(axis, first.rank, 'associativeScan')
  const length = first.shape[along] as number
  if (leaves.some((leaf) => leaf.shape[along] !== length))
    throw new ValueError({
      where: 'associativeScan',
      problem: 'the tensors differ in length',
      received: leaves.map(({ shape }) => shape[along]).join(', '),
    })
  const turned = (x: Tensor): Tensor => (reverse ? lax.flip(x, [along]) : x)
  const cut = (x: Tensor, start: number, count: number): Tensor =>
    lax.slice(
      x,
      x.shape.map((_, at) => (at === along ? start : 0)),
      x.shape.map((size, at) => (at === along ? count : size)),
    )
  let state = leaves.map(turned)
  for (let distance = 1; distance < length; distance *= 2) {
    const part = (start: number): X =>
      unflatten(
        elems as Tree<unknown>,
        state.map((x) => cut(x, start, length - distance)),
      ) as X
    const later = flatten<Tensor>(f(part(0), part(distance)))
    state = state.map((x, i) => lax.concat([cut(x, 0, distance), later[i] as Tensor], along))
  }
  return unflatten(elems as Tree<unknown>, state.map(turned)) as X
}

/**
 * `fun(...primals)` and its derivative in the direction of `tangents`; with `hasAux`, `fun` gives [output, more] and
 * `more` comes third.
 *
 * @example
 * const [y, slope] = ops.jvp((x) => ops.square(x), [tensor(3)], [tensor(1)]) // 9, 6
 */
export function jvp<A extends readonly Tensor[]>(
  fun: (...primals: A) => Tree<Tensor>,
  primals: A,
  tangents: readonly TensorLike[],
  { hasAux = false }: { readonly hasAux?: boolean } = {},
): [output: Tree<Tensor>, tangent: Tree<Tensor>, aux?: Tree<Tensor>] {
  if (tangents.length !== primals.length)
    throw new ValueError({
      where: 'jvp',
      problem: 'there must be a tangent for each primal',
      expected: `${primals.length}`,
      received: `${tangents.length}`,
    })
  // The way back is linear in what it starts with: its own derivative is the way forward.
  using outer = new GradientTape({ persistent: true })
  using inner = new GradientTape()
  inner.watch([...primals])
  const result = fun(...primals)
  const [output, aux] = hasAux ? (result as unknown as readonly [Tree<Tensor>, Tree<Tensor>]) : [result, undefined]
  const leaves = flatten<Tensor>(output)
  const seeds = leaves.map((leaf) => lax.zerosLike(leaf))
  outer.watch(seeds)
  const total = leaves.map((leaf, i) => sumOf(lax.mul(leaf, seeds[i] as Tensor))).reduce((a, b) => lax.add(a, b))
  const back = inner.gradient(total, [...primals]) as (Tensor | null)[]
  const along = back.flatMap((gradient, i) =>
    gradient === null ? [] : [sumOf(lax.mul(gradient, lax.cast(asTensor(tangents[i] as TensorLike), gradient.dtype)))],
  )
  const slope = along.length === 0 ? null : along.reduce((a, b) => lax.add(a, b))
  const forward = slope === null ? seeds.map(() => null) : (outer.gradient(slope, seeds) as (Tensor | null)[])
  let next = 0
  const tangent = mapTree<Tensor, Tensor>(output, (leaf) => forward[next++] ?? lax.zerosLike(leaf)) as Tree<Tensor>
  return aux === undefined ? [output, tangent] : [output, tangent, aux]
}

const sumOf = (x: Tensor): Tensor => lax.reduceSum(x, [...x.shape.keys()])
