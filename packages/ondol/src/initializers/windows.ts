/** Windows of signals by name, as `scipy.signal.get_window` gives them (those that need no further number). */
import { ValueError } from '../core/errors.js'

type Window = (n: number, length: number) => number

/** A sum of cosines: a0 - a1 cos(x) + a2 cos(2x) - …, x from 0 to 2π. */
const cosines =
  (...terms: readonly number[]): Window =>
  (n, length) =>
    terms.reduce((sum, term, k) => sum + term * Math.cos(k * (-Math.PI + (2 * Math.PI * n) / (length - 1))), 0)

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))
/** How far n is from the middle, from 0 to 1. */
const off = (n: number, length: number): number => Math.abs((2 * n) / (length - 1) - 1)

const WINDOWS: Readonly<Record<string, Window>> = {
  boxcar: () => 1,
  hann: cosines(0.5, 0.5),
  hamming: cosines(0.54, 0.46),
  blackman: cosines(0.42, 0.5, 0.08),
  nuttall: cosines(0.3635819, 0.4891775, 0.1365995, 0.0106411),
  blackmanharris: cosines(0.35875, 0.48829, 0.14128, 0.01168),
  flattop: cosines(0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
  triang: (n, length) => {
    const near = Math.min(n, length - 1 - n) + 1
    return length % 2 === 0 ? (2 * near - 1) / length : (2 * near) / (length + 1)
  },
  bartlett: (n, length) => 1 - off(n, length),
  parzen: (n, length) => {
    const distance = Math.abs(n - (length - 1) / 2)
    const x = distance / (length / 2)
    return distance <= (length - 1) / 4 ? 1 - 6 * x ** 2 + 6 * x ** 3 : 2 * (1 - x) ** 3
  },
  bohman: (n, length) => {
    const x = off(n, length)
    return n === 0 || n === length - 1 ? 0 : (1 - x) * Math.cos(Math.PI * x) + Math.sin(Math.PI * x) / Math.PI
  },
  barthann: (n, length) => {
    const x = off(n, length) / 2
    return 0.62 - 0.48 * x + 0.38 * Math.cos(2 * Math.PI * x)
  },
  cosine: (n, length) => Math.sin((Math.PI / length) * (n + 0.5)),
  lanczos: (n, length) => sinc(off(n, length)),
  exponential: (n, length) => Math.exp(-Math.abs(n - (length - 1) / 2)),
  tukey: (n, length) => {
    const width = Math.floor((length - 1) / 4)
    const near = Math.min(n, length - 1 - n)
    return near > width ? 1 : 0.5 * (1 + Math.cos(Math.PI * (-1 + (4 * near) / (length - 1))))
  },
}
const ALIASES: Readonly<Record<string, string>> = { ones: 'boxcar', rectangular: 'boxcar', box: 'boxcar', sinc: 'lanczos' }

/** `length` numbers; periodic ones continue with the first. @throws ValueError when there is no such window. */
export function windowByName(name: string, length: number, periodic: boolean): Float64Array {
  const window = WINDOWS[ALIASES[name] ?? name]
  if (window === undefined)
    throw new ValueError({ where: 'window', problem: 'unknown window', expected: Object.keys(WINDOWS).join(', '), received: `'${name}'` })
  if (length === 1) return Float64Array.of(1)
  const whole = periodic ? length + 1 : length
  return Float64Array.from({ length }, (_, n) => window(n, whole))
}
