/**
 * Which bin a number belongs to, and boundaries of bins that hold equally many: a mergeable sketch of quantiles, as in
 * `keras/src/layers/preprocessing/discretization.py` (numbers are float32 there, and here).
 */
import { lax, type Tensor } from '../../engine/index.js'

/** Values and how many samples each stands for, in ascending order of the values. */
export interface Summary {
  readonly values: readonly number[]
  readonly weights: readonly number[]
}

export const EMPTY: Summary = { values: [], weights: [] }

/** A sample of the values that keeps quantiles to within `epsilon`. */
export function summarize(numbers: ArrayLike<number>, epsilon: number): Summary {
  const sorted = Float32Array.from(numbers).sort()
  const step = Math.max(sorted.length * epsilon, 1)
  const stride = Math.trunc(step)
  const values: number[] = []
  for (let at = Math.trunc(step - 1); at < sorted.length; at += stride) values.push(sorted[at] as number)
  return { values, weights: values.map(() => Math.fround(step)) }
}

/** Two summaries as one. */
export function mergeSummaries(a: Summary, b: Summary, epsilon: number): Summary {
  const values = [...a.values, ...b.values]
  const weights = [...a.weights, ...b.weights]
  const order = [...values.keys()].sort((i, j) => (values[i] as number) - (values[j] as number))
  return compress({ values: order.map((i) => values[i] as number), weights: order.map((i) => weights[i] as number) }, epsilon)
}

/** What lies between `bins` bins with equally many samples. */
export const binBoundaries = (summary: Summary, bins: number): number[] => compress(summary, 1 / bins).values.slice(0, -1)

function compress(summary: Summary, epsilon: number): Summary {
  if (summary.values.length * epsilon < 1) return summary
  let sum = 0
  const cumulated = summary.weights.map((weight) => {
    sum = Math.fround(sum + weight)
    return sum
  })
  const shares = cumulated.map((weight) => Math.fround(weight / sum))
  const count = Math.ceil(1 / epsilon)
  const percents = Array.from({ length: count }, (_, i) => epsilon + i * epsilon)
  const values = percents.map((percent) => interpolate(percent, shares, summary.values))
  const totals = percents.map((percent) => interpolate(percent, shares, cumulated))
  return {
    values: values.map(Math.fround),
    weights: totals.map((total, i) => Math.fround(total - (i === 0 ? 0 : (totals[i - 1] as number)))),
  }
}

/** `ys` at `x`, between the points `xs`; beyond them, the last ones. */
function interpolate(x: number, xs: readonly number[], ys: readonly number[]): number {
  const after = xs.findIndex((each) => each > x)
  if (after === 0) return ys[0] as number
  if (after < 0) return ys.at(-1) as number
  const [x0, x1, y0, y1] = [xs[after - 1], xs[after], ys[after - 1], ys[after]] as [number, number, number, number]
  return y0 + ((y1 - y0) / (x1 - x0)) * (x - x0)
}

/**
 * How many of the ascending `boundaries` are at most x (`before` true: less than x), for each element: a binary search,
 * the same number of steps for all, so that it compiles.
 */
export function countBelow(x: Tensor, boundaries: Tensor, before = false): Tensor {
  const total = boundaries.shape[0] as number
  let low = lax.full(x.shape, 'int32', 0)
  if (total === 0) return low
  const is = before ? lax.lt : lax.le
  // Steps of falling powers of two: taken wherever the boundary there is still below.
  for (let step = 2 ** Math.floor(Math.log2(total)); step >= 1; step /= 2) {
    const next = lax.withNumber(low, lax.add, step)
    const inside = lax.withNumber(next, lax.le, total)
    const at = lax.withNumber(lax.withNumber(next, lax.min, total), lax.sub, 1)
    const below = is(lax.gather(boundaries, at, 0), x)
    low = lax.select(lax.logicalAnd(inside, below), next, low)
  }
  return low
}
