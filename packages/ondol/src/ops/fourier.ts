/**
 * Fourier transforms as products with tables of cosines and sines. A length that has factors is taken apart (Cooley and
 * Tukey), so that no table is larger than 64 × 64; a large prime becomes a convolution (Bluestein). Products are what
 * every backend is best at, and gradients come for free. Complex numbers are pairs of tensors (real, imaginary).
 */

import { ShapeError, ValueError } from '../core/errors.js'
import { formatShape, type Shape, sizeOf } from '../core/shape.js'
import { lax, type Tensor } from '../engine/index.js'
import { type Complex, pairOf } from './complex.js'
import { defineOp } from './define.js'
import { toFloat } from './promotion.js'

type Pair = readonly [real: Tensor, imaginary: Tensor]
/** -1 for the transform, 1 for the way back (without its 1 / n). */
type Sign = 1 | -1

/** The largest table of one product, and of one for a prime. */
const TABLE = 64
const PRIME_TABLE = 512

/** cos and sin of 2π · i · j / n for i < rows, j < columns. */
function table(n: number, rows: number, columns: number, dtype: Tensor['dtype']): Pair {
  const angle = (i: number, j: number): number => (2 * Math.PI * ((i * j) % n)) / n
  const of = (f: (x: number) => number): Tensor => {
    const values = Float64Array.from({ length: rows * columns }, (_, at) => f(angle(Math.floor(at / columns), at % columns)))
    return dtype === 'float64'
      ? lax.constant(values, [rows, columns], dtype)
      : lax.constant(Float32Array.from(values), [rows, columns], 'float32')
  }
  return [of(Math.cos), of(Math.sin)]
}

/** x (batch, n) times cos ± i·sin (n, m), which is broadcast. */
function times(
  { re, im }: Complex,
  [cos, sin]: Pair,
  sign: Sign,
  apply: (x: Tensor, factor: Tensor) => Tensor,
): Required<Complex> & { im: Tensor } {
  const signed = sign === 1 ? sin : lax.neg(sin)
  if (im === null) return { re: apply(re, cos), im: apply(re, signed) }
  return { re: lax.sub(apply(re, cos), apply(im, signed)), im: lax.add(apply(re, signed), apply(im, cos)) }
}

const each = ({ re, im }: Complex, f: (x: Tensor) => Tensor): Complex => ({ re: f(re), im: im === null ? null : f(im) })

/** The transform along axis 1 of (batch, n). */
function transform(x: Complex, sign: Sign): { re: Tensor; im: Tensor } {
  const [batch, n] = x.re.shape as [number, number]
  const first = factorOf(n)
  if (first === n && n > PRIME_TABLE) return chirp(x, sign)
  if (first === n)
    return times(x, table(n, n, n, x.re.dtype), sign, (values, factors) =>
      lax.dot(values, factors, { batchA: [], batchB: [], contractA: [1], contractB: [0] }),
    )
  const second = n / first
  // Index j = j1 · second + j2, result k = k1 + first · k2.
  const columns = each(x, (part) =>
    lax.reshape(lax.transpose(lax.reshape(part, [batch, first, second]), [0, 2, 1]), [batch * second, first]),
  )
  const inner = transform(columns, sign)
  const twiddles = table(n, second, first, x.re.dtype)
  const wide = (part: Tensor): Tensor => lax.reshape(part, [batch, second, first])
  const turned = times({ re: wide(inner.re), im: wide(inner.im) }, twiddles, sign, (values, factors) =>
    lax.mul(values, lax.broadcast(factors, [batch, second, first], [1, 2])),
  )
  const rows = each(turned, (part) => lax.reshape(lax.transpose(part, [0, 2, 1]), [batch * first, second]))
  const outer = transform(rows, sign)
  const last = (part: Tensor): Tensor => lax.reshape(lax.transpose(lax.reshape(part, [batch, first, second]), [0, 2, 1]), [batch, n])
  return { re: last(outer.re), im: last(outer.im) }
}

/** The largest divisor up to the size of a table; n itself if it is small or has none. */
function factorOf(n: number): number {
  if (n <= TABLE) return n
  for (let divisor = TABLE; divisor > 1; divisor--) if (n % divisor === 0) return divisor
  return n
}

/** A transform of any length as a convolution with a chirp: jk = (j² + k² - (k - j)²) / 2. */
function chirp(x: Complex, sign: Sign): { re: Tensor; im: Tensor } {
  const [batch, n] = x.re.shape as [number, number]
  const { dtype } = x.re
  const length = 2 ** Math.ceil(Math.log2(2 * n - 1))
  const angles = Float64Array.from({ length: n }, (_, j) => (Math.PI * ((j * j) % (2 * n))) / n)
  const constant = (values: Float64Array): Tensor =>
    dtype === 'float64'
      ? lax.constant(values, [1, values.length], dtype)
      : lax.constant(Float32Array.from(values), [1, values.length], 'float32')
  const waves: Pair = [constant(angles.map(Math.cos)), constant(angles.map(Math.sin))]
  const spread = (values: Float64Array): Tensor => {
    const whole = new Float64Array(length)
    values.forEach((value, j) => {
      whole[j] = value
      if (j > 0) whole[length - j] = value
    })
    return constant(whole)
  }
  const rowwise = (values: Tensor, factors: Tensor): Tensor => lax.mul(values, lax.broadcastTo(factors, values.shape))
  const modulated = times(x, waves, sign, rowwise)
  const padded = each(modulated, (part) => lax.concat([part, lax.full([batch, length - n], dtype, 0)], 1))
  const a = transform(padded, -1)
  const b = transform({ re: spread(angles.map(Math.cos)), im: spread(angles.map((angle) => -sign * Math.sin(angle))) }, -1)
  const both = {
    re: lax.sub(rowwise(a.re, b.re), rowwise(a.im, b.im)),
    im: lax.add(rowwise(a.re, b.im), rowwise(a.im, b.re)),
  }
  const back = transform(both, 1)
  const cut = each(back, (part) => lax.withNumber(lax.slice(part, [0, 0], [batch, n]), lax.mul, 1 / length))
  return times(cut, waves, sign, rowwise)
}

/** `f` on all lines along the last axis, as (batch, n). */
function alongLast(x: Complex, f: (lines: Complex) => { re: Tensor; im: Tensor }): { re: Tensor; im: Tensor } {
  const { shape } = x.re
  const n = shape.at(-1) as number
  const result = f(each(x, (part) => lax.reshape(part, [sizeOf(shape.slice(0, -1)), n])))
  const whole = (part: Tensor): Tensor => lax.reshape(part, [...shape.slice(0, -1), part.shape[1] as number])
  return { re: whole(result.re), im: whole(result.im) }
}

const swapped = (x: Tensor): Tensor =>
  lax.transpose(
    x,
    [...x.shape.keys()].map((axis) => (axis < x.rank - 2 ? axis : 2 * x.rank - 3 - axis)),
  )

/** Along both of the last two axes. */
function alongTwo(x: Complex, sign: Sign): { re: Tensor; im: Tensor } {
  const rows = alongLast(x, (lines) => transform(lines, sign))
  const columns = alongLast(each(rows, swapped), (lines) => transform(lines, sign))
  return { re: swapped(columns.re), im: swapped(columns.im) }
}

const asPair = ({ re, im }: { re: Tensor; im: Tensor }): [Tensor, Tensor] => [re, im]
type PairOp = [readonly [Tensor, Tensor]]

/** The discrete Fourier transform along the last axis: [real, imaginary] → [real, imaginary]. */
export const fft = defineOp<PairOp, Record<never, never>, [Tensor, Tensor]>({
  name: 'FFT',
  module: 'math',
  tensors: 1,
  parameters: [],
  call: ([input]) => asPair(alongLast(pairOf('fft', input, 1), (lines) => transform(lines, -1))),
})

/** The transform along the last two axes. */
export const fft2 = defineOp<PairOp, Record<never, never>, [Tensor, Tensor]>({
  name: 'FFT2',
  module: 'math',
  tensors: 1,
  parameters: [],
  call: ([input]) => asPair(alongTwo(pairOf('fft2', input, 2), -1)),
})

/** What `fft2` came from. */
export const ifft2 = defineOp<PairOp, Record<never, never>, [Tensor, Tensor]>({
  name: 'IFFT2',
  module: 'math',
  tensors: 1,
  parameters: [],
  call: ([input]) => {
    const x = pairOf('ifft2', input, 2)
    const count = (x.re.shape.at(-1) as number) * (x.re.shape.at(-2) as number)
    const { re, im } = alongTwo(x, 1)
    return [lax.withNumber(re, lax.mul, 1 / count), lax.withNumber(im, lax.mul, 1 / count)]
  },
})

/** The first `length` elements along the last axis, zeros where there are none. */
function fitted(x: Tensor, length: number): Tensor {
  const n = x.shape.at(-1) as number
  const rest = x.shape.slice(0, -1)
  if (n >= length)
    return n === length
      ? x
      : lax.slice(
          x,
          x.shape.map(() => 0),
          [...rest, length],
        )
  return lax.concat([x, lax.full([...rest, length - n], x.dtype, 0)], x.rank - 1)
}

function realTransform(x: Tensor): [Tensor, Tensor] {
  const half = Math.floor((x.shape.at(-1) as number) / 2) + 1
  const { re, im } = alongLast({ re: x, im: null }, (lines) => transform(lines, -1))
  return [fitted(re, half), fitted(im, half)]
}

function requireLength(where: string, name: string, length: number): number {
  if (Number.isInteger(length) && length > 0) return length
  throw new ValueError({ where, problem: `${name} is no length`, expected: 'a whole number of at least 1', received: String(length) })
}

/** The transform of real numbers along the last axis: (…, n) → two of (…, n / 2 + 1). `fftLength` cuts or pads first. */
export const rfft = defineOp<[Tensor], { fftLength?: number | null }, [Tensor, Tensor]>({
  name: 'RFFT',
  module: 'math',
  tensors: 1,
  parameters: ['fftLength'],
  call: ([input], { fftLength }) => {
    const x = toFloat(input)
    return realTransform(fftLength == null ? x : fitted(x, requireLength('rfft', 'fftLength', fftLength)))
  },
})

/** The real numbers of a half spectrum (…, n / 2 + 1) → (…, n). */
function realInverse({ re, im }: Complex, n: number): Tensor {
  const half = Math.floor(n / 2) + 1
  const [real, imaginary] = [fitted(re, half), fitted(im as Tensor, half)]
  const rest = real.shape.slice(0, -1)
  const axis = real.rank - 1
  // The other half mirrors this one; the ends have no partner.
  const mirrored = (x: Tensor): Tensor => {
    const count = n - half
    return lax.flip(lax.slice(x, [...rest.map(() => 0), 1], [...rest, count]), [axis])
  }
  const whole = (x: Tensor, other: (y: Tensor) => Tensor): Tensor => (n === half ? x : lax.concat([x, other(mirrored(x))], axis))
  const isEnd = (at: number): boolean => at === 0 || (n % 2 === 0 && at === half - 1)
  const ends = lax.constant(
    Float32Array.from({ length: half }, (_, at) => (isEnd(at) ? 0 : 1)),
    [half],
    'float32',
  )
  const free = lax.mul(imaginary, lax.broadcast(lax.cast(ends, imaginary.dtype), imaginary.shape, [axis]))
  const full = { re: whole(real, (x) => x), im: whole(free, lax.neg) }
  return lax.withNumber(alongLast(full, (lines) => transform(lines, 1)).re, lax.mul, 1 / n)
}

/** What `rfft` came from: two of (…, k) → (…, fftLength), by default 2 · (k - 1). */
export const irfft = defineOp<PairOp, { fftLength?: number | null }, Tensor>({
  name: 'IRFFT',
  module: 'math',
  tensors: 1,
  parameters: ['fftLength'],
  call: ([input], { fftLength }) => {
    const x = pairOf('irfft', input, 1)
    return realInverse(x, requireLength('irfft', 'fftLength', fftLength ?? 2 * ((x.re.shape.at(-1) as number) - 1)))
  },
})

// ---- short-time transforms ----

/** Where the frames begin and go: (frames · length) places in a signal. */
function places(frames: number, length: number, stride: number): Tensor {
  const at = Int32Array.from({ length: frames * length }, (_, i) => Math.floor(i / length) * stride + (i % length))
  return lax.constant(at, [at.length], 'int32')
}

function frame(x: Tensor, length: number, stride: number): Tensor {
  const n = x.shape.at(-1) as number
  const frames = Math.floor((n - length) / stride) + 1
  if (frames < 1) {
    throw new ShapeError({
      where: 'extractSequences',
      problem: 'the signal is shorter than one sequence',
      expected: `at least ${length} along the last axis`,
      received: formatShape(x.shape),
    })
  }
  return lax.reshape(lax.gather(x, places(frames, length, stride), x.rank - 1), [...x.shape.slice(0, -1), frames, length])
}

export interface SequenceOptions {
  sequenceLength: number
  sequenceStride: number
}

/** Pieces of `sequenceLength`, `sequenceStride` apart: (…, n) → (…, pieces, sequenceLength). */
export const extractSequences = defineOp<[Tensor], SequenceOptions, Tensor>({
  name: 'ExtractSequences',
  module: 'math',
  tensors: 1,
  parameters: ['sequenceLength', 'sequenceStride'],
  call: ([x], { sequenceLength, sequenceStride }) =>
    frame(
      toFloat(x),
      requireLength('extractSequences', 'sequenceLength', sequenceLength),
      requireLength('extractSequences', 'sequenceStride', sequenceStride),
    ),
})

export interface StftOptions extends SequenceOptions {
  /** At least sequenceLength: windows are padded to it. */
  fftLength: number
  /** `'hann'` (the default), `'hamming'`, sequenceLength numbers of your own, or null for none. */
  window?: 'hann' | 'hamming' | readonly number[] | Float32Array | Tensor | null
  /** Mirror the ends of the signal, so that frames are centred. Default true. */
  center?: boolean
}

/** Weights of the cosine and constant parts. */
const WINDOWS = { hann: 0.5, hamming: 0.54 } as const

function windowOf(where: string, { sequenceLength, fftLength, window = 'hann' }: StftOptions, dtype: Tensor['dtype']): Tensor | null {
  requireLength(where, 'sequenceLength', sequenceLength)
  if (fftLength < sequenceLength)
    throw new ValueError({
      where,
      problem: 'fftLength is less than sequenceLength',
      expected: `${sequenceLength} or more`,
      received: String(fftLength),
    })
  if (window === null) return null
  let values: Tensor
  if (typeof window === 'string') {
    if (!Object.hasOwn(WINDOWS, window))
      throw new ValueError({ where, problem: 'unknown window', expected: "'hann', 'hamming', numbers, or null", received: window })
    const base = WINDOWS[window]
    const numbers = Float32Array.from(
      { length: sequenceLength },
      (_, i) => base - (1 - base) * Math.cos((2 * Math.PI * i) / sequenceLength),
    )
    values = lax.cast(lax.constant(numbers, [sequenceLength], 'float32'), dtype)
  } else {
    values = lax.cast(toFloat(window), dtype)
  }
  if (`${values.shape}` !== `${sequenceLength}`)
    throw new ShapeError({
      where,
      problem: 'the window has another length',
      expected: `(${sequenceLength},)`,
      received: formatShape(values.shape),
    })
  const before = Math.floor((fftLength - sequenceLength) / 2)
  const zeros = (count: number): Tensor => lax.full([count], dtype, 0)
  return lax.concat([zeros(before), values, zeros(fftLength - sequenceLength - before)], 0)
}

const weighted = (frames: Tensor, window: Tensor | null): Tensor =>
  window === null ? frames : lax.mul(frames, lax.broadcast(window, frames.shape, [frames.rank - 1]))

/** The signal with `count` elements mirrored at each end. */
function mirroredEnds(x: Tensor, count: number): Tensor {
  const n = x.shape.at(-1) as number
  if (count >= n)
    throw new ShapeError({
      where: 'stft',
      problem: 'the signal is too short to be mirrored',
      expected: `more than ${count}`,
      received: formatShape(x.shape),
      hint: 'use center: false',
    })
  const at = Int32Array.from({ length: n + 2 * count }, (_, i) => {
    const place = Math.abs(i - count)
    return place < n ? place : 2 * (n - 1) - place
  })
  return lax.gather(x, lax.constant(at, [at.length], 'int32'), x.rank - 1)
}

/** Spectra of windows of a signal: (…, n) → two of (…, frames, fftLength / 2 + 1). */
export const stft = defineOp<[Tensor], StftOptions, [Tensor, Tensor]>({
  name: 'STFT',
  module: 'math',
  tensors: 1,
  parameters: ['sequenceLength', 'sequenceStride', 'fftLength', 'window', 'center'],
  call: ([input], options) => {
    const { sequenceStride, fftLength, center = true } = options
    const signal = toFloat(input)
    const window = windowOf('stft', options, signal.dtype)
    const x = center ? mirroredEnds(signal, Math.floor(fftLength / 2)) : signal
    return realTransform(weighted(frame(x, fftLength, requireLength('stft', 'sequenceStride', sequenceStride)), window))
  },
})

/** The signal that `stft` came from: two of (…, frames, fftLength / 2 + 1) → (…, n). */
export const istft = defineOp<PairOp, StftOptions & { length?: number | null }, Tensor>({
  name: 'ISTFT',
  module: 'math',
  tensors: 1,
  parameters: ['sequenceLength', 'sequenceStride', 'fftLength', 'length', 'window', 'center'],
  call: ([input], options) => {
    const { sequenceStride, fftLength, center = true, length } = options
    const x = pairOf('istft', input, 2)
    const window = windowOf('istft', options, x.re.dtype)
    const pieces = weighted(realInverse(x, fftLength), window)
    const batch: Shape = pieces.shape.slice(0, -2)
    const frames = pieces.shape.at(-2) as number
    const total = fftLength + sequenceStride * (frames - 1)
    const at = places(frames, fftLength, sequenceStride)
    const added = (values: Tensor, rows: number): Tensor =>
      lax.scatterAdd(lax.full([rows, total], values.dtype, 0), at, lax.reshape(values, [rows, frames * fftLength]), 1)
    const rows = sizeOf(batch)
    const squares = window === null ? lax.full([fftLength], pieces.dtype, 1) : lax.mul(window, window)
    const norm = added(lax.broadcast(squares, [1, frames, fftLength], [2]), 1)
    const safe = lax.select(lax.withNumber(norm, lax.gt, 1e-10), norm, lax.full(norm.shape, norm.dtype, 1))
    const sum = lax.div(added(pieces, rows), lax.broadcastTo(safe, [rows, total]))
    // Without a window Keras scales by the overlap once more.
    const scaled = window === null ? lax.withNumber(sum, lax.mul, fftLength / sequenceStride) : sum
    const start = center ? Math.floor(fftLength / 2) : 0
    const count = Math.min(length ?? total - 2 * start, total - start)
    return lax.reshape(lax.slice(scaled, [0, start], [rows, count]), [...batch, count])
  },
})
