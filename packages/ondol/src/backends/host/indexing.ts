/** Reading and writing at computed places along one axis, and sorting along it. */
import { isFloat, writeElement } from '../../core/dtype.js'
import { aroundAxis, type HostArray, numbersOf } from './array.js'
import { scalarOf } from './elementwise.js'
import type { HostKernels } from './kernel.js'

/** Visits pairs of (offset in x, offset in a tensor of gather's output shape), in order of the latter's index along the axis. */
function forEachPair(x: HostArray, axis: number, indices: HostArray, visit: (inX: number, inGathered: number) => void): void {
  const { outer, size, inner } = aroundAxis(x.shape, axis)
  const count = indices.storage.length
  if (size === 0) return // no place to clamp to
  for (let o = 0; o < outer; o++) {
    for (let n = 0; n < count; n++) {
      const place = Math.min(Math.max(indices.storage[n] as number, 0), size - 1)
      for (let i = 0; i < inner; i++) visit((o * size + place) * inner + i, (o * count + n) * inner + i)
    }
  }
}

/** Orders numbers, with NaN above all. */
const ascending = (x: number, y: number): number => {
  if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y))
  return x < y ? -1 : x > y ? 1 : 0
}

export const indexingKernels: HostKernels<'gather' | 'scatterAdd' | 'scatterSet' | 'sort'> = {
  gather: ({ axis }, [x, indices], [output]) => {
    forEachPair(x, axis, indices, (from, to) => {
      output.storage[to] = x.storage[from] as number
    })
  },

  scatterAdd: ({ axis }, [x, indices, updates], [output]) => {
    const add = scalarOf('add', isFloat(x.dtype))
    const numbers = numbersOf(updates)
    const sums = Float64Array.from(numbersOf(x))
    forEachPair(x, axis, indices, (to, from) => {
      sums[to] = add(sums[to] as number, numbers[from] as number)
    })
    sums.forEach((sum, i) => writeElement(output.dtype, output.storage, i, sum))
  },

  scatterSet: ({ axis }, [x, indices, updates], [output]) => {
    output.storage.set(x.storage)
    forEachPair(x, axis, indices, (to, from) => {
      output.storage[to] = updates.storage[from] as number
    })
  },

  sort: ({ axis, descending }, [x], [sorted, positions]) => {
    const numbers = numbersOf(x)
    const { outer, size, inner } = aroundAxis(x.shape, axis)
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        const at = (place: number): number => (o * size + place) * inner + i
        const order = Array.from({ length: size }, (_, place) => place)
        // Array.prototype.sort is stable, so equal elements keep their order either way round.
        order.sort((a, b) => ascending(numbers[at(a)] as number, numbers[at(b)] as number) * (descending ? -1 : 1))
        order.forEach((from, to) => {
          sorted.storage[at(to)] = x.storage[at(from)] as number
          positions.storage[at(to)] = from
        })
      }
    }
  },
}
