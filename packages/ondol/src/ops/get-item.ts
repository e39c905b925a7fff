/** `getItem`: Python's `x[1:3, ..., None]` in TypeScript. */
import { DTypeError, ShapeError, ValueError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import { lax, Tensor } from '../engine/index.js'
import { type AnyTensor, asTensor, defineOp, type TensorLike } from './define.js'
import { type None, part } from './kinds.js'

/** Elements from `start` to before `stop`, `step` apart; negative ones count from the end, what is left out is all there is. */
export interface Slice {
  start?: number | null
  stop?: number | null
  step?: number | null
}
/** What stands for one axis: an index, a slice, indices in a tensor, `null` for a new axis, `'...'` for all axes not named. */
export type Index = number | Slice | Tensor | null | '...'
/** One index, a list of them, or Python's spelling: `'1:3, ..., -1'`. */
export type Key = Index | readonly Index[] | string

/** `'1:3, ..., None'` as indices. */
function parse(text: string): Index[] {
  const whole = (piece: string): number | null => {
    if (piece.trim() === '') return null
    const value = Number(piece)
    if (!Number.isInteger(value)) throw unknownKey(text)
    return value
  }
  return text.split(',').map((piece): Index => {
    const item = piece.trim()
    if (item === '...') return '...'
    if (item === 'None' || item === 'null') return null
    if (!item.includes(':')) return whole(item) ?? missing(text)
    const [start, stop, step, ...more] = item.split(':')
    if (more.length > 0) throw unknownKey(text)
    return { start: whole(start ?? ''), stop: whole(stop ?? ''), step: whole(step ?? '') }
  })
}

const missing = (key: unknown): never => {
  throw unknownKey(key)
}
const unknownKey = (key: unknown): ValueError =>
  new ValueError({
    where: 'getItem',
    problem: 'this is no key',
    expected: "an index, { start, stop, step }, '...', null, a tensor of int32, a list of these, or a text such as '1:3, ..., -1'",
    received: typeof key === 'string' ? `'${key}'` : String(key),
  })

/** Keras's description of a slice or of `...` in the arguments of a call: what nodes of models hold, and files. */
interface Described {
  readonly class_name: '__slice__' | '__ellipsis__'
  readonly config: Slice
}
type Entry = number | null | Tensor | Described

function describe(item: Index | Described): Entry {
  if (item === '...') return { class_name: '__ellipsis__', config: {} }
  if (item === null || typeof item === 'number' || item instanceof Tensor) return item
  if (typeof item !== 'object' || Array.isArray(item)) throw unknownKey(item)
  if ('class_name' in item) return item
  const { start = null, stop = null, step = null } = item
  return { class_name: '__slice__', config: { start, stop, step } }
}

function entriesOf(key: Key): Entry[] {
  if (typeof key === 'string') return parse(key).map(describe)
  return (Array.isArray(key) ? (key as readonly Index[]) : [key as Index]).map(describe)
}
const isEllipsis = (item: Entry): boolean =>
  typeof item === 'object' && item !== null && 'class_name' in item && item.class_name === '__ellipsis__'

/** Where a slice begins on an axis of `n`, and how many elements it takes: Python's rules. */
function resolve({ start, stop, step: given }: Slice, n: number): { start: number; count: number; step: number } {
  const step = given ?? 1
  if (step === 0) throw new ValueError({ where: 'getItem', problem: 'the step of a slice must not be 0' })
  const [lowest, highest] = step > 0 ? [0, n] : [-1, n - 1]
  const limit = (at: number): number => Math.min(Math.max(at < 0 ? at + n : at, lowest), highest)
  const from = start === undefined || start === null ? (step > 0 ? lowest : highest) : limit(start)
  const to = stop === undefined || stop === null ? (step > 0 ? highest : lowest) : limit(stop)
  return { start: from, count: Math.max(0, Math.ceil((to - from) / step)), step }
}

// The key is an argument of the call, as in Keras, so that files with `x[:, 0]` go both ways.
const indexed = defineOp<[Tensor, Tensor], None, Tensor>({
  name: 'GetItem',
  module: 'numpy',
  tensors: 2,
  parameters: [],
  call: ([input, key]) => itemOf(asTensor(input), entriesOf(key as unknown as Key)),
})

interface GetItem {
  (x: TensorLike, key: Key): Tensor
  (x: AnyTensor, key: Key): AnyTensor
  readonly definition: typeof indexed.definition
}
/**
 * A part of a tensor, by one key for each axis from the first.
 *
 * @throws ShapeError when an index is outside; nothing can be said of indices in a tensor, which are moved inside.
 * @example
 * getItem(x, 0)                              // x[0]
 * getItem(x, '1:3, ..., -1')                 // x[1:3, ..., -1]
 * getItem(x, [{ start: 1 }, null, indices])  // x[1:, None, indices]
 */
export const getItem: GetItem = Object.assign((x: Tensor, key: Key) => indexed(x, entriesOf(key) as unknown as Tensor), {
  definition: indexed.definition,
}) as unknown as GetItem

function itemOf(given: Tensor, keys: Entry[]): Tensor {
  const named = keys.filter((item) => item !== null && !isEllipsis(item)).length
  const ellipses = keys.filter(isEllipsis).length
  if (named > given.rank || ellipses > 1) {
    throw new ShapeError({
      where: 'getItem',
      problem: named > given.rank ? 'there are more indices than axes' : "'...' can stand once only",
      received: `${named} indices for ${formatShape(given.shape)}`,
    })
  }
  let x = given
  let axis = 0
  for (const item of keys) {
    if (item === null) x = lax.reshape(x, [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis++)])
    else if (typeof item === 'number') x = without(x, axis, item)
    else if (item instanceof Tensor) {
      x = gathered(x, axis, item)
      axis += item.rank
    } else if (isEllipsis(item)) axis += given.rank - named
    else x = cut(x, axis++, item.config)
  }
  return x
}

/** The element at `index` of an axis, which goes. */
function without(x: Tensor, axis: number, index: number): Tensor {
  const n = x.shape[axis] as number
  const at = index < 0 ? index + n : index
  if (!Number.isInteger(index) || at < 0 || at >= n) {
    throw new ShapeError({
      where: 'getItem',
      problem: `index ${index} is outside of axis ${axis}`,
      expected: `a whole number from ${-n} to ${n - 1}`,
      received: formatShape(x.shape),
    })
  }
  return lax.reshape(
    part(x, axis, at, at + 1),
    x.shape.filter((_, i) => i !== axis),
  )
}

function cut(x: Tensor, axis: number, slice: Slice): Tensor {
  const { start, count, step } = resolve(slice, x.shape[axis] as number)
  const along = <V>(value: V, others: (size: number) => V): V[] => x.shape.map((size, i) => (i === axis ? value : others(size)))
  return lax.slice(
    x,
    along(count === 0 ? 0 : start, () => 0),
    along(count, (size) => size),
    along(step, () => 1),
  )
}

/** Elements of an axis at indices, whose axes take its place. */
function gathered(x: Tensor, axis: number, indices: Tensor): Tensor {
  if (indices.dtype !== 'int32' && indices.dtype !== 'uint8') {
    throw new DTypeError({
      where: 'getItem',
      problem: 'indices must be whole numbers',
      expected: 'int32 or uint8',
      received: indices.dtype,
      hint: 'for a mask use ops.where, or ops.take with the indices that ops.nonzero gives',
    })
  }
  const n = x.shape[axis] as number
  const whole = lax.cast(indices, 'int32')
  const positive = lax.select(lax.lt(whole, lax.zerosLike(whole)), lax.withNumber(whole, lax.add, n), whole)
  const inside = lax.max(lax.min(positive, lax.fullLike(whole, n - 1)), lax.zerosLike(whole))
  return lax.gather(x, inside, axis)
}
