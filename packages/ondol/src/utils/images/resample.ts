/** Pictures in another size, with filters that are wider where a picture shrinks: as Pillow's `Image.resize`. */
import { ValueError } from '../../core/errors.js'
import { Img } from './image.js'

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))

/** How far a filter reaches, and what it gives a place at a distance. */
const FILTERS: Readonly<Record<string, { readonly reach: number; readonly weight: (x: number) => number }>> = {
  box: { reach: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { reach: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: { reach: 1, weight: (x) => (Math.abs(x) < 1 ? sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x)) : 0) },
  bicubic: {
    reach: 2,
    weight: (signed) => {
      const x = Math.abs(signed)
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1
      return x < 2 ? ((x - 5) * x + 8) * x * -0.5 + 2 : 0
    },
  },
  lanczos: { reach: 3, weight: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
}

/** A part of a picture: left, top, right, bottom. */
export type Box = readonly [left: number, top: number, right: number, bottom: number]

/** @throws ValueError when there is no such interpolation. */
export function resampled(image: Img, width: number, height: number, interpolation: string, box?: Box): Img {
  const [left, top, right, bottom] = box ?? [0, 0, image.width, image.height]
  if (interpolation === 'nearest') {
    // Summed up step by step, as Pillow does: that decides where a place falls between two pixels.
    const places = (size: number, from: number, to: number, limit: number): number[] => {
      const step = (to - from) / size
      let at = from + step / 2
      return Array.from({ length: size }, () => {
        const place = Math.min(limit - 1, Math.floor(at))
        at += step
        return place
      })
    }
    const [columns, rows] = [places(width, left, right, image.width), places(height, top, bottom, image.height)]
    const { channels, data } = image
    const pixels = new Uint8Array(width * height * channels)
    rows.forEach((row, y) => {
      columns.forEach((column, x) => {
        for (let i = 0; i < channels; i++)
          pixels[(y * width + x) * channels + i] = data[(row * image.width + column) * channels + i] as number
      })
    })
    return new Img(width, height, image.mode, pixels)
  }
  if (!Object.hasOwn(FILTERS, interpolation))
    throw new ValueError({
      where: 'loadImg',
      problem: 'unknown interpolation',
      expected: `nearest, ${Object.keys(FILTERS).join(', ')}`,
      received: `'${interpolation}'`,
    })
  const wide = alongRows(image, width, left, right, interpolation)
  return turned(alongRows(turned(wide), height, top, bottom, interpolation))
}

/** Rows and columns exchanged. */
function turned({ width, height, mode, channels, data }: Img): Img {
  const pixels = new Uint8Array(data.length)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let i = 0; i < channels; i++) pixels[(x * height + y) * channels + i] = data[(y * width + x) * channels + i] as number
  return new Img(height, width, mode, pixels)
}

function alongRows(image: Img, size: number, from: number, to: number, interpolation: string): Img {
  const { width, height, mode, channels, data } = image
  if (size === width && from === 0 && to === width) return image
  const { reach, weight } = FILTERS[interpolation] as (typeof FILTERS)[string]
  const scale = (to - from) / size
  const stretch = Math.max(scale, 1)
  const pixels = new Uint8Array(size * height * channels)
  for (let x = 0; x < size; x++) {
    const center = from + (x + 0.5) * scale
    const first = Math.max(0, Math.trunc(center - reach * stretch + 0.5))
    const last = Math.min(width, Math.trunc(center + reach * stretch + 0.5))
    const weights = Array.from({ length: last - first }, (_, i) => weight((first + i - center + 0.5) / stretch))
    const sum = weights.reduce((total, each) => total + each, 0)
    for (let y = 0; y < height; y++) {
      for (let i = 0; i < channels; i++) {
        const value = weights.reduce((total, each, k) => total + each * (data[(y * width + first + k) * channels + i] as number), 0) / sum
        pixels[(y * size + x) * channels + i] = Math.min(255, Math.max(0, Math.floor(value + 0.5)))
      }
    }
  }
  return new Img(size, height, mode, pixels)
}
