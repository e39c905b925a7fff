/** Pictures in ordinary memory: bytes of pixels, as files hold them. */
import { ValueError } from '../../core/errors.js'

/** Channels of a pixel: grey, colours, colours and opacity. */
export type ImageMode = 'L' | 'RGB' | 'RGBA'

const CHANNELS = { L: 1, RGB: 3, RGBA: 4 } as const satisfies Record<ImageMode, number>

/** Pictures with more pixels are refused before memory is asked for; the limit is Pillow's. */
const MOST_PIXELS = 178_956_970

export const isTooLarge = (width: number, height: number): boolean => width * height > MOST_PIXELS

/**
 * @example
 * const picture = await utils.loadImg('cat.png')
 * picture.width, picture.mode      // 640, 'RGB'
 */
export class Img {
  readonly width: number
  readonly height: number
  readonly mode: ImageMode
  /** Pixels row by row, a byte a channel. */
  readonly data: Uint8Array

  constructor(width: number, height: number, mode: ImageMode, data: Uint8Array) {
    if (data.length !== width * height * CHANNELS[mode])
      throw new ValueError({
        where: 'Img',
        problem: 'the pixels do not fill the picture',
        expected: `${width * height * CHANNELS[mode]} bytes`,
        received: `${data.length}`,
      })
    this.width = width
    this.height = height
    this.mode = mode
    this.data = data
  }

  get channels(): number {
    return CHANNELS[this.mode]
  }

  /** The picture in another mode. Grey is 0.299 red + 0.587 green + 0.114 blue. */
  convert(mode: ImageMode): Img {
    if (mode === this.mode) return this
    const [from, to] = [this.channels, CHANNELS[mode]]
    const { data } = this
    const converted = new Uint8Array(this.width * this.height * to)
    for (let at = 0, out = 0; at < data.length; at += from, out += to) {
      const [r, g, b] = (from === 1 ? [data[at], data[at], data[at]] : [data[at], data[at + 1], data[at + 2]]) as [number, number, number]
      if (to === 1) converted[out] = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16
      else {
        converted[out] = r
        converted[out + 1] = g
        converted[out + 2] = b
        if (to === 4) converted[out + 3] = 255
      }
    }
    return new Img(this.width, this.height, mode, converted)
  }
}
