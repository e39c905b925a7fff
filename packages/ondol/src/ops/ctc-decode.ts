/** Labels from scores of connectionist temporal classification: `keras.ops.ctcDecode`. */
import { GraphError, ShapeError, ValueError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import { currentTrace, type Tensor, tensor } from '../engine/index.js'
import { asTensor, type TensorLike } from './define.js'

export interface CtcDecodeOptions {
  /** `'greedy'` (the default): the best class at each step; `'beam_search'`: the best labels over all ways to them. */
  readonly strategy?: 'greedy' | 'beam_search' | 'beamSearch'
  /** How many beginnings a beam search keeps. Default 100. */
  readonly beamWidth?: number
  /** How many answers a beam search gives. Default 1. */
  readonly topPaths?: number
  /** Repeated classes without a blank between count once. Default true. */
  readonly mergeRepeated?: boolean
  /** The class that stands for no label. Default 0. */
  readonly maskIndex?: number
}

/**
 * Scores (batch, steps, classes) and numbers of real steps (batch) → labels (paths, batch, steps), filled up with -1, and
 * scores (batch, paths). It looks at values, so it cannot be part of a compiled function.
 *
 * @example
 * const [labels] = ops.ctcDecode(logits, lengths, { strategy: 'beam_search', beamWidth: 20 })
 */
export function ctcDecode(
  inputs: TensorLike,
  sequenceLengths: TensorLike,
  { strategy = 'greedy', beamWidth = 100, topPaths = 1, mergeRepeated = true, maskIndex = 0 }: CtcDecodeOptions = {},
): [labels: Tensor, scores: Tensor] {
  if (currentTrace() !== undefined)
    throw new GraphError({
      where: 'ctcDecode',
      problem: 'decoding looks at values',
      hint: 'call it outside of jit, on what the model predicted',
    })
  const scores = asTensor(inputs)
  if (scores.rank !== 3)
    throw new ShapeError({
      where: 'ctcDecode',
      problem: 'wrong rank',
      expected: '(batch, steps, classes)',
      received: formatShape(scores.shape),
    })
  const [batch, steps, classes] = scores.shape as [number, number, number]
  const values = Float64Array.from(scores.dataSync(), Number)
  const lengths = Array.from(asTensor(sequenceLengths).dataSync(), Number)
  const rows = Array.from({ length: batch }, (_, b) =>
    Array.from({ length: Math.min(lengths[b] ?? 0, steps) }, (_row, t) =>
      values.subarray((b * steps + t) * classes, (b * steps + t + 1) * classes),
    ),
  )
  const isBeam = strategy === 'beam_search' || strategy === 'beamSearch'
  if (!isBeam && strategy !== 'greedy')
    throw new ValueError({
      where: 'ctcDecode',
      problem: 'unknown strategy',
      expected: "'greedy' or 'beam_search'",
      received: String(strategy),
    })
  const paths = isBeam ? topPaths : 1
  const found = rows.map((row) => (isBeam ? beamSearch(row, maskIndex, beamWidth, paths) : [greedy(row, maskIndex, mergeRepeated)]))
  const labels = new Int32Array(paths * batch * steps).fill(-1)
  const likelihoods = new Float32Array(batch * paths)
  found.forEach((answers, b) => {
    answers.forEach(({ path, score }, p) => {
      labels.set(path, (p * batch + b) * steps)
      likelihoods[b * paths + p] = score
    })
  })
  return [tensor(labels, [paths, batch, steps], 'int32'), tensor(likelihoods, [batch, paths], 'float32')]
}

interface Answer {
  readonly path: readonly number[]
  readonly score: number
}

const best = (row: Float64Array): number => row.reduce((at, value, i) => (value > (row[at] as number) ? i : at), 0)

function greedy(rows: readonly Float64Array[], blank: number, mergeRepeated: boolean): Answer {
  const classes = rows.map(best)
  const path = classes.filter((label, t) => label !== blank && !(mergeRepeated && t > 0 && classes[t - 1] === label))
  return { path, score: -rows.reduce((sum, row, t) => sum + (row[classes[t] as number] as number), 0) }
}

const logAdd = (a: number, b: number): number => {
  const high = Math.max(a, b)
  return high === Number.NEGATIVE_INFINITY ? high : high + Math.log(Math.exp(a - high) + Math.exp(b - high))
}

interface Beam {
  readonly path: readonly number[]
  /** Logarithms of the chances of the ways that end with a blank, and with the last label. */
  blank: number
  label: number
}

/** The best beginnings, step by step (Hannun 2014). */
function beamSearch(rows: readonly Float64Array[], blank: number, width: number, count: number): Answer[] {
  const none = Number.NEGATIVE_INFINITY
  let beams = new Map<string, Beam>([['', { path: [], blank: 0, label: none }]])
  for (const row of rows) {
    const top = row.reduce((a, b) => Math.max(a, b), none)
    const total = top + Math.log(row.reduce((sum, value) => sum + Math.exp(value - top), 0))
    const next = new Map<string, Beam>()
    const at = (path: readonly number[]): Beam => {
      const key = path.join()
      let beam = next.get(key)
      if (beam === undefined) next.set(key, (beam = { path, blank: none, label: none }))
      return beam
    }
    for (const { path, blank: withBlank, label: withLabel } of beams.values()) {
      const whole = logAdd(withBlank, withLabel)
      row.forEach((value, label) => {
        const chance = value - total
        if (label === blank) {
          const same = at(path)
          same.blank = logAdd(same.blank, whole + chance)
          return
        }
        const isRepeated = path.at(-1) === label
        if (isRepeated) {
          const same = at(path)
          same.label = logAdd(same.label, withLabel + chance)
        }
        const longer = at([...path, label])
        longer.label = logAdd(longer.label, (isRepeated ? withBlank : whole) + chance)
      })
    }
    const scored = [...next].sort(([, a], [, b]) => logAdd(b.blank, b.label) - logAdd(a.blank, a.label))
    beams = new Map(scored.slice(0, width))
  }
  return [...beams.values()].slice(0, count).map(({ path, blank: b, label }) => ({ path, score: logAdd(b, label) }))
}
