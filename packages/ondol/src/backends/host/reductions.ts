/** Reductions, positions of extremes, running totals and moments. Floats are accumulated in float64. */
import { type DType, isFloat, writeElement } from '../../core/dtype.js'
import { rowMajorStrides, type Shape } from '../../core/shape.js'
import type { BinaryName, ReduceName } from '../../engine/primitives.js'
import { aroundAxis, type HostArray, numbersOf, walk } from './array.js'
import { scalarOf } from './elementwise.js'
import type { HostKernel, HostKernels } from './kernel.js'

type CumulativeName = 'cumSum' | 'cumProd' | 'cumMax'

type Combiner = Extract<BinaryName, 'add' | 'mul' | 'max' | 'min'>

/** The smallest and the greatest value of a dtype. */
const extremes = (dtype: DType): readonly [number, number] => {
  if (dtype === 'int32') return [-2147483648, 2147483647]
  if (dtype === 'uint8') return [0, 255]
  return dtype === 'bool' ? [0, 1] : [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
}

/** What an empty reduction gives. */
const identityOf = (combiner: Combiner, dtype: DType): number => {
  if (combiner === 'add') return 0
  if (combiner === 'mul') return 1
  return extremes(dtype)[combiner === 'max' ? 0 : 1]
}

/** Row-major strides of the reduced tensor, as strides over the unreduced one: 0 along `axes`. */
function keptStrides(shape: Shape, axes: readonly number[]): number[] {
  const kept = rowMajorStrides(shape.map((size, axis) => (axes.includes(axis) ? 1 : size)))
  return kept.map((stride, axis) => (axes.includes(axis) ? 0 : stride))
}

const store = (values: Float64Array, output: HostArray): void =>
  values.forEach((value, i) => writeElement(output.dtype, output.storage, i, value))

const reduce =
  (combiner: Combiner): HostKernel<ReduceName> =>
  ({ axes }, [x], [output]) => {
    const combine = scalarOf(combiner, isFloat(x.dtype))
    const numbers = numbersOf(x)
    const totals = new Float64Array(output.storage.length).fill(identityOf(combiner, x.dtype))
    walk(x.shape, [rowMajorStrides(x.shape), 0], [keptStrides(x.shape, axes), 0], (from, to) => {
      totals[to] = combine(totals[to] as number, numbers[from] as number)
    })
    store(totals, output)
  }

const cumulate =
  (combiner: Combiner): HostKernel<CumulativeName> =>
  ({ axis, reverse }, [x], [output]) => {
    const combine = scalarOf(combiner, isFloat(x.dtype))
    const numbers = numbersOf(x)
    const { outer, size, inner } = aroundAxis(x.shape, axis)
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        let total = identityOf(combiner, x.dtype)
        for (let step = 0; step < size; step++) {
          const at = (o * size + (reverse ? size - 1 - step : step)) * inner + i
          total = combine(total, numbers[at] as number)
          writeElement(output.dtype, output.storage, at, total)
        }
      }
    }
  }

/** First index whose element beats all before it; a NaN beats every number and nothing beats a NaN. */
const argOf =
  (beats: (candidate: number, best: number) => boolean): HostKernel<'argMax' | 'argMin'> =>
  ({ axis }, [x], [output]) => {
    const numbers = numbersOf(x)
    const { outer, size, inner } = aroundAxis(x.shape, axis)
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        const at = (place: number): number => numbers[(o * size + place) * inner + i] as number
        let best = 0
        for (let place = 1; place < size; place++) {
          const isFirstNaN = Number.isNaN(at(place)) && !Number.isNaN(at(best))
          if (isFirstNaN || beats(at(place), at(best))) best = place
        }
        output.storage[o * inner + i] = best
      }
    }
  }

/** Mean first, then the mean square of what is left: nothing cancels. */
const moments: HostKernel<'moments'> = ({ axes }, [x], [mean, variance]) => {
  const numbers = numbersOf(x)
  const length = mean.storage.length
  const count = x.storage.length / length
  const source = [rowMajorStrides(x.shape), 0] as const
  const target = [keptStrides(x.shape, axes), 0] as const
  const sums = new Float64Array(length)
  walk(x.shape, source, target, (from, to) => {
    sums[to] = (sums[to] as number) + (numbers[from] as number)
  })
  const means = sums.map((sum) => sum / count)
  const squares = new Float64Array(length)
  walk(x.shape, source, target, (from, to) => {
    squares[to] = (squares[to] as number) + ((numbers[from] as number) - (means[to] as number)) ** 2
  })
  store(means, mean)
  store(
    squares.map((square) => square / count),
    variance,
  )
}

export const reductionKernels: HostKernels<ReduceName | CumulativeName | 'argMax' | 'argMin' | 'moments'> = {
  reduceSum: reduce('add'),
  reduceProd: reduce('mul'),
  reduceMax: reduce('max'),
  reduceMin: reduce('min'),
  argMax: argOf((candidate, best) => candidate > best),
  argMin: argOf((candidate, best) => candidate < best),
  cumSum: cumulate('add'),
  cumProd: cumulate('mul'),
  cumMax: cumulate('max'),
  moments,
}
