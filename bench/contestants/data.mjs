// Random training data for the benchmark models; the same shapes as data.py makes for Python.
export const BATCHES = 4
export const BATCH_SIZE = { tiny: 32, mlp: 128, convnet: 128, lstmqa: 128, densenet: 64 }

const IMAGE = { tiny: [8], mlp: [784], convnet: [28, 28, 1], densenet: [32, 32, 3] }

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

/** `values`, the batches one after another, going round until there are `batches` of them. */
function goRound(values, batches) {
  const length = (values.length / BATCHES) * batches
  const all = new values.constructor(length)
  for (let start = 0; start < length; start += values.length) {
    all.set(length - start < values.length ? values.subarray(0, length - start) : values, start)
  }
  return all
}

/**
 * `batches` batches in one piece, of which the first BATCHES differ: `inputs` is a list of { data, shape }, `labels` one
 * { data, shape }; labels are class numbers, for lstmqa one-hot rows of 500.
 */
export function make(model, batches = BATCHES) {
  const random = generator(7)
  const size = BATCH_SIZE[model] * BATCHES
  const integers = (length, from, to) => Int32Array.from({ length }, () => from + Math.floor(random() * (to - from)))
  const part = (values, ...rest) => ({ data: goRound(values, batches), shape: [BATCH_SIZE[model] * batches, ...rest] })
  if (model === 'lstmqa') {
    const labels = new Float32Array(size * 500)
    integers(size, 0, 500).forEach((answer, row) => {
      labels[row * 500 + answer] = 1
    })
    return { inputs: [part(integers(size * 100, 1, 10000), 100), part(integers(size * 100, 1, 10000), 100)], labels: part(labels, 500) }
  }
  const image = IMAGE[model]
  const images = Float32Array.from({ length: image.reduce((a, b) => a * b, size) }, random)
  return { inputs: [part(images, ...image)], labels: part(integers(size, 0, model === 'tiny' ? 4 : 10)) }
}
