/** What `adapt` learns from: one array, batches of them, or a stream of batches with targets beside them. */
import { DataError } from '../../core/errors.js'
import { Tensor, Variable } from '../../engine/index.js'
import { asTensor, type TensorLike } from '../../ops/define.js'
import { holdsStrings, StringTensor } from './string-tensor.js'

/** An array in ordinary memory, such as datasets are made of. */
interface HostArrayLike {
  toTensor(): Tensor
}

const isHostArray = (value: unknown): value is HostArrayLike => typeof value === 'object' && value !== null && 'toTensor' in value

/** One array: a tensor, numbers in typed or nested arrays, strings. */
const isOneArray = (value: unknown): boolean => {
  if (value instanceof Tensor || value instanceof Variable || isHostArray(value) || ArrayBuffer.isView(value)) return true
  if (value instanceof StringTensor || typeof value === 'number' || typeof value === 'string') return true
  if (!Array.isArray(value)) return false
  let first: unknown = value
  while (Array.isArray(first) && first.length > 0) first = first[0]
  return typeof first === 'number' || typeof first === 'boolean' || typeof first === 'string'
}

/** A batch of a stream: the inputs of `[x, y]`, or all of it. */
const inputsOf = (batch: unknown): unknown =>
  Array.isArray(batch) && batch.some((part) => part instanceof Tensor || isHostArray(part) || ArrayBuffer.isView(part)) ? batch[0] : batch

/** The array as a tensor. Strings are none. */
export function tensorOf(array: unknown, where: string): Tensor {
  if (isHostArray(array)) return array.toTensor()
  if (holdsStrings(array) || !isOneArray(array))
    throw new DataError({
      where,
      problem: 'this is no array of numbers',
      expected: 'a tensor, a typed array, nested arrays of numbers, or a Dataset of them',
      received: typeof array,
    })
  return asTensor(array as TensorLike)
}

/** What `adapt` takes. Elements of anything iterable are batches. */
export type AdaptData = unknown

/**
 * Shows `update` the one array, or each of at most `steps` batches; then `finish`. Data that is at hand is gone through
 * at once, before the promise is returned.
 *
 * @throws DataError when it is neither an array nor iterable, or empty.
 */
export async function adaptTo(
  data: AdaptData,
  steps: number | null | undefined,
  where: string,
  {
    start,
    whole,
    batch,
    finish,
  }: { start?: () => void; whole: (array: unknown) => void; batch: (array: unknown) => void; finish: () => void },
): Promise<void> {
  start?.()
  if (isOneArray(data)) {
    whole(data)
    finish()
    return
  }
  const limit = steps ?? Number.POSITIVE_INFINITY
  let count = 0
  if (isIterable(data)) {
    for (const each of data) {
      if (count++ >= limit) break
      batch(inputsOf(each))
    }
  } else if (isAsyncIterable(data)) {
    for await (const each of data) {
      if (count++ >= limit) break
      batch(inputsOf(each))
    }
  } else {
    throw new DataError({
      where,
      problem: 'adapt cannot learn from this',
      expected: 'an array, a tensor, a Dataset, or batches in anything iterable',
      received: typeof data,
    })
  }
  if (count === 0) throw new DataError({ where, problem: 'adapt got no batch', hint: 'a stream can be read once only: make it anew' })
  finish()
}

const isIterable = (value: unknown): value is Iterable<unknown> => typeof value === 'object' && value !== null && Symbol.iterator in value
const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value
