/** Kernels of a convolution that is a short-time Fourier transform. Follows `keras/src/initializers/constant_initializers.py`. */
import type { DType } from '../core/dtype.js'
import { ShapeError, ValueError } from '../core/errors.js'
import { byName } from '../core/positional.js'
import { formatShape, type Shape } from '../core/shape.js'
import { type Tensor, tensor } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { Initializer } from './initializer.js'
import { windowByName } from './windows.js'

/** A window by name, its numbers, or none. */
export type WindowLike = string | readonly number[] | null

export interface STFTOptions {
  /** Which part of the transform: `'real'` (default) or `'imag'`. */
  readonly side?: 'real' | 'imag'
  /** Default `'hann'`. */
  readonly window?: WindowLike
  /** By the window's L2 norm (`'density'`, default), its L1 norm (`'spectrum'`), or not at all. */
  readonly scaling?: 'density' | 'spectrum' | null
  /** Default false: symmetric. */
  readonly periodic?: boolean
}

/** A kernel (frame length, 1, fft length / 2 + 1). */
export class STFT extends Initializer {
  static readonly positional = ['side', 'window', 'scaling', 'periodic']

  readonly side: 'real' | 'imag'
  readonly window: WindowLike
  readonly scaling: 'density' | 'spectrum' | null
  readonly periodic: boolean

  constructor(side?: 'real' | 'imag', window?: WindowLike, scaling?: 'density' | 'spectrum' | null, periodic?: boolean)
  constructor(options: STFTOptions)
  constructor(...args: readonly unknown[]) {
    super()
    const given = byName<STFTOptions>(['side', 'window', 'scaling', 'periodic'], args)
    const { side = 'real', window = 'hann', scaling = 'density', periodic = false } = given
    const refuse = (problem: string, received: unknown): never => {
      throw new ValueError({ where: 'initializers.STFT', problem, received: String(received) })
    }
    if (side !== 'real' && side !== 'imag') refuse("side must be 'real' or 'imag'", side)
    if (scaling !== null && scaling !== 'density' && scaling !== 'spectrum')
      refuse("scaling must be 'density', 'spectrum' or null", scaling)
    if (typeof window === 'string') windowByName(window, 1, false)
    this.side = side
    this.window = window
    this.scaling = scaling
    this.periodic = periodic
  }

  override make(shape: Shape, dtype: DType): Tensor {
    const [length, inputs, frequencies] = shape as [number, number, number]
    if (shape.length !== 3 || inputs !== 1)
      throw new ShapeError({
        where: 'initializers.STFT',
        problem: 'this is no kernel of a transform',
        expected: '(frame length, 1, frequencies)',
        received: formatShape(shape),
      })
    const window = this.#values(length)
    const wave = this.side === 'real' ? Math.cos : Math.sin
    const period = (frequencies - 1) * 2
    const kernel = new Float32Array(length * frequencies)
    for (let t = 0; t < length; t++) {
      for (let k = 0; k < frequencies; k++) {
        // Whole turns leave the angle as it is, and small angles exact.
        kernel[t * frequencies + k] = wave((-2 * Math.PI * ((t * k) % period)) / period) * (window[t] as number)
      }
    }
    return ops.cast(tensor(kernel, shape), dtype)
  }

  /** The window's numbers, scaled. */
  #values(length: number): Float64Array {
    if (this.window === null) return new Float64Array(length).fill(1)
    const values = typeof this.window === 'string' ? windowByName(this.window, length, this.periodic) : Float64Array.from(this.window)
    if (values.length !== length)
      throw new ShapeError({
        where: 'initializers.STFT',
        problem: 'the window has another length than the frame',
        expected: `${length}`,
        received: `${values.length}`,
      })
    const norms = {
      density: Math.sqrt(values.reduce((sum, value) => sum + value * value, 0)),
      spectrum: values.reduce((sum, value) => sum + Math.abs(value), 0),
    }
    return this.scaling === null ? values : values.map((value) => value / norms[this.scaling as 'density'])
  }

  override getConfig(): Record<string, unknown> {
    return { side: this.side, window: this.window, periodic: this.periodic, scaling: this.scaling }
  }
}
