/**
 * JPEG files: sequential and progressive, of 8 bits a sample; grey, YCbCr, RGB, CMYK and YCCK, with any whole sampling. Pixels are
 * those of libjpeg with its default settings, which Pillow shows. Turning by EXIF is left to others, as Keras leaves it.
 */
import { DataError } from '../../../core/errors.js'
import type { Img } from '../image.js'
import { pictureOf } from './colours.js'
import { samplesOf } from './idct.js'
import { decodeScan } from './scan.js'
import { type Fail, readJpeg } from './segments.js'

export const isJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === 0xd8

/** @throws DataError, naming the place, when the file is damaged, cut off or of a kind that is not read. */
export function decodeJpeg(bytes: Uint8Array, where: string): Img {
  const fail: Fail = (at, problem) => new DataError({ where: `${where}, byte ${at}`, problem: `JPEG: ${problem}` })
  const jpeg = readJpeg(bytes, (frame, scan, at) => decodeScan(bytes, frame, scan, at, fail), fail)
  const planes = jpeg.frame.components.map((component, i) => samplesOf(component, jpeg.factors[i] as Uint16Array))
  return pictureOf(jpeg, planes)
}
