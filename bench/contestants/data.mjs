// Random data for the benchmark models; data.json says their shapes, here and in Python.
import { readFileSync } from 'node:fs'

export const SHAPES = JSON.parse(readFileSync(new URL('data.json', import.meta.url), 'utf8'))

const product = (dims) => dims.reduce((a, b) => a * b, 1)

/** How many batches differ: 4, but 1 of the large ones. */
export const batchesOf = (model) => (product(SHAPES[model].inputs[0].shape) < 100_000 ? 4 : 1)

/** A small generator of repeatable numbers in [0, 1) (mulberry32). */
function generator(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

function oneHotRows(classes, width) {
  const rows = new Float32Array(classes.length * width)
  classes.forEach((answer, row) => {
    rows[row * width + answer] = 1
  })
  return rows
}

/** What labels of each kind are: numbers of classes, one-hot rows, values, or zeros and ones. */
const LABELS = {
  classes: (random, size, count) => ({ data: Int32Array.from({ length: size }, () => Math.floor(random() * count)), rest: [] }),
  oneHot: (random, size, width) => ({ data: oneHotRows(LABELS.classes(random, size, width).data, width), rest: [width] }),
  values: (random, size, width) => ({ data: Float32Array.from({ length: size * width }, random), rest: [width] }),
  binary: (random, size, width) => ({ data: Float32Array.from({ length: size * width }, () => Math.round(random())), rest: [width] }),
}

/** `values`, some batches one after another, going round until there are `length` numbers. */
function goRound(values, length) {
  const all = new values.constructor(length)
  for (let start = 0; start < length; start += values.length) {
    all.set(length - start < values.length ? values.subarray(0, length - start) : values, start)
  }
  return all
}

/**
 * `batches` batches of `size` samples in one piece, of which the first `batchesOf` differ: `inputs` and `labels` are lists of { data, shape }.
 */
export function make(model, batches = batchesOf(model), size = SHAPES[model].batch) {
  const random = generator(7)
  const { inputs, labels } = SHAPES[model]
  const distinct = batchesOf(model)
  const part = (data, rest) => ({ data: goRound(data, (data.length / distinct) * batches), shape: [size * batches, ...rest] })
  const input = ({ shape, words }) => {
    const length = size * distinct * product(shape)
    return part(
      words ? Int32Array.from({ length }, () => 1 + Math.floor(random() * (words - 1))) : Float32Array.from({ length }, random),
      shape,
    )
  }
  const label = (kinds) => {
    const [[kind, width]] = Object.entries(kinds)
    const { data, rest } = LABELS[kind](random, size * distinct, width)
    return part(data, rest)
  }
  return { inputs: inputs.map(input), labels: labels.map(label) }
}
