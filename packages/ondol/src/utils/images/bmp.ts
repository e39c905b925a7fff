/** BMP files without compression, of 8, 24 or 32 bits a pixel. */
import { DataError } from '../../core/errors.js'
import { Img } from './image.js'

export const isBmp = (bytes: Uint8Array): boolean => bytes[0] === 0x42 && bytes[1] === 0x4d

/** @throws DataError when the file is damaged, or of another kind. */
export function decodeBmp(bytes: Uint8Array, where: string): Img {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const fail = (problem: string): DataError => new DataError({ where, problem: `BMP: ${problem}` })
  if (bytes.length < 54) throw fail('the header is damaged')
  const [start, headerSize, width, signedHeight] = [
    view.getUint32(10, true),
    view.getUint32(14, true),
    view.getInt32(18, true),
    view.getInt32(22, true),
  ]
  const [bits, compression] = [view.getUint16(28, true), view.getUint32(30, true)]
  const height = Math.abs(signedHeight)
  if (![8, 24, 32].includes(bits) || (compression !== 0 && !(bits === 32 && compression === 3)))
    throw fail(`${bits} bits a pixel with compression ${compression} cannot be read`)
  const stride = Math.ceil((width * bits) / 32) * 4
  if (width <= 0 || height === 0 || start + stride * height > bytes.length) throw fail('there is less data than pixels')
  const pixels = new Uint8Array(width * height * 3)
  const palette = 14 + headerSize
  for (let row = 0; row < height; row++) {
    // Lines stand upside down, unless the height is negative.
    const line = start + stride * (signedHeight > 0 ? height - 1 - row : row)
    for (let column = 0; column < width; column++) {
      const from = bits === 8 ? palette + 4 * (bytes[line + column] as number) : line + (column * bits) / 8
      for (let i = 0; i < 3; i++) pixels[(row * width + column) * 3 + i] = bytes[from + 2 - i] as number
    }
  }
  return new Img(width, height, 'RGB', pixels)
}
