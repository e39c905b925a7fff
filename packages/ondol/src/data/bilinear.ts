/**
 * Images in another size, in ordinary memory: bilinear between the centres of pixels, without smoothing, as `ops.image.resize`
 * computes it. For loaders, whose images the backend does not know.
 */

/** A part of an image whose pixels lie row by row. */
export interface Region {
  /** Elements of a whole row of the image. */
  readonly stride: number
  readonly top: number
  readonly left: number
  readonly height: number
  readonly width: number
  readonly channels: number
}

/** For each place of `to`, the offsets of the two around it, and the share of the second. */
function stops(
  from: number,
  to: number,
  start: number,
  step: number,
): { readonly first: Int32Array; readonly second: Int32Array; readonly shares: Float64Array } {
  const [first, second, shares] = [new Int32Array(to), new Int32Array(to), new Float64Array(to)]
  for (let i = 0; i < to; i++) {
    const centre = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1)
    const low = Math.floor(centre)
    first[i] = (start + low) * step
    second[i] = (start + Math.min(low + 1, from - 1)) * step
    shares[i] = centre - low
  }
  return { first, second, shares }
}

/** Fills `made` (rows, columns, channels) from a region of `data`; `added` rounds for integers. */
export function scaleBilinear(
  data: ArrayLike<number>,
  { stride, top, left, height, width, channels }: Region,
  made: { [index: number]: number },
  rows: number,
  columns: number,
  added = 0,
): void {
  const down = stops(height, rows, top, stride)
  const across = stops(width, columns, left, channels)
  for (let row = 0, at = 0; row < rows; row++) {
    const upper = down.first[row] as number
    const lower = down.second[row] as number
    const below = down.shares[row] as number
    for (let column = 0; column < columns; column++) {
      const first = across.first[column] as number
      const second = across.second[column] as number
      const right = across.shares[column] as number
      for (let channel = 0; channel < channels; channel++) {
        const high = (data[upper + first + channel] as number) * (1 - right) + (data[upper + second + channel] as number) * right
        const low = (data[lower + first + channel] as number) * (1 - right) + (data[lower + second + channel] as number) * right
        made[at++] = high * (1 - below) + low * below + added
      }
    }
  }
}
