/** `vectorize`: a function of small tensors, applied along the axes they do not have. */
import { ShapeError, ValueError } from '../core/errors.js'
import { broadcastShapes, formatShape, type Shape, sizeOf } from '../core/shape.js'
import { mapTree, type Tree } from '../core/tree.js'
import { lax, type Tensor } from '../engine/index.js'
import { map } from './control.js'
import { asTensor, type TensorLike } from './define.js'

export interface VectorizeOptions {
  /** Positions of arguments that are handed over as they are. */
  excluded?: Iterable<number>
  /** Axes of one call's arguments: `(m,n),(n)->(m)`; scalars unless given. */
  signature?: string | null
}

/** Core axes of each argument, by name. */
function coreAxes(signature: string): string[][] {
  const match = /^\s*(\([^()]*\)(?:\s*,\s*\([^()]*\))*)\s*->/.exec(signature)
  if (match === null)
    throw new ValueError({
      where: 'vectorize',
      problem: 'this is no signature',
      expected: "for example '(n),(n)->()'",
      received: signature,
    })
  return [...(match[1] as string).matchAll(/\(([^()]*)\)/g)].map(([, names]) =>
    (names as string)
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  )
}

/**
 * `f`, which takes scalars (or what `signature` says), for tensors of any shape: their further axes are broadcast and `f` is
 * applied at each place.
 *
 * @example
 * const angle = vectorize((a: Tensor, b: Tensor) => ops.sum(ops.multiply(a, b)), { signature: '(n),(n)->()' })
 * angle(x, y) // (5, 3), (3,) → (5,)
 */
export function vectorize<R extends Tree<Tensor>>(
  f: (...args: never[]) => R,
  { excluded = [], signature }: VectorizeOptions = {},
): (...args: unknown[]) => R {
  const passed = new Set(excluded)
  const call = f as (...args: unknown[]) => R
  return (...args) => {
    const mapped = args.flatMap((_, i) => (passed.has(i) ? [] : [i]))
    const axes = signature === undefined || signature === null ? mapped.map(() => []) : coreAxes(signature)
    if (axes.length !== mapped.length)
      throw new ValueError({
        where: 'vectorize',
        problem: 'the arguments are not as many as the signature says',
        expected: `${axes.length}`,
        received: `${mapped.length}`,
      })
    const tensors = mapped.map((i) => asTensor(args[i] as TensorLike))
    requireSizes(tensors, axes)
    const outerOf = (x: Tensor, i: number): Shape => x.shape.slice(0, x.rank - (axes[i] as string[]).length)
    const outer = tensors.reduce<Shape>((shape, x, i) => broadcastShapes(shape, outerOf(x, i), 'vectorize'), [])
    const places = sizeOf(outer)
    const stacked = tensors.map((x, i) => {
      const core = x.shape.slice(outerOf(x, i).length)
      return lax.reshape(lax.broadcastTo(x, [...outer, ...core]), [places, ...core])
    })
    const once = (elements: readonly Tensor[]): R => {
      const given = [...args]
      mapped.forEach((position, i) => {
        given[position] = elements[i]
      })
      return call(...given)
    }
    if (outer.length === 0) return once(tensors)
    const results = map((elements: Tensor[]) => once(elements), stacked)
    return mapTree<Tensor, Tensor>(results, (x) => lax.reshape(x, [...outer, ...x.shape.slice(1)])) as R
  }
}

/** An axis of one name has one size. */
function requireSizes(tensors: readonly Tensor[], axes: readonly (readonly string[])[]): void {
  const sizes = new Map<string, number>()
  tensors.forEach((x, i) => {
    const names = axes[i] as readonly string[]
    names.forEach((name, at) => {
      const size = x.shape[x.rank - names.length + at]
      if (size === undefined || (sizes.get(name) ?? size) !== size)
        throw new ShapeError({
          where: 'vectorize',
          problem: `argument ${i} does not fit the signature`,
          expected: `axes (${names.join(', ')})${sizes.has(name) ? `, ${name} being ${sizes.get(name)}` : ''}`,
          received: formatShape(x.shape),
        })
      sizes.set(name, size)
    })
  })
}
