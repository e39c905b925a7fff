/** A microscope image cut into tiles, with weak labels from the colour of their middle. */
import { type Tensor, tensor, type utils } from 'ondol'

const SIZE = 32

/** 0 stained gland (brown: much more red than blue), 1 other tissue, 2 empty (bright), by the mean colour of the middle 8x8. */
function classOf({ data, width }: utils.Img, left: number, top: number): number {
  const sums = [0, 0, 0] as [number, number, number]
  const [from, to] = [SIZE / 2 - 4, SIZE / 2 + 4]
  for (let y = top + from; y < top + to; y++)
    for (let x = left + from; x < left + to; x++)
      for (let channel = 0; channel < 3; channel++) (sums[channel] as number) += (data[(y * width + x) * 3 + channel] as number) / 64
  const [red, green, blue] = sums
  if (red - blue > 25) return 0
  return (red + green + blue) / 3 > 215 ? 2 : 1
}

/** All tiles whose left edge lies in [from, to), every 8 pixels: (n, 3, 32, 32), -1 to 1, and their classes (n). */
export function cutTiles(picture: utils.Img, from: number, to: number): [x: Tensor, y: Tensor] {
  const { data, width, height } = picture
  const [values, classes]: [number[], number[]] = [[], []]
  for (let top = 0; top + SIZE <= height; top += 8)
    for (let left = from; left < to && left + SIZE <= width; left += 8) {
      classes.push(classOf(picture, left, top))
      for (let channel = 0; channel < 3; channel++)
        for (let y = top; y < top + SIZE; y++)
          for (let x = left; x < left + SIZE; x++) values.push((data[(y * width + x) * 3 + channel] as number) / 127.5 - 1)
    }
  return [tensor(Float32Array.from(values), [classes.length, 3, SIZE, SIZE]), tensor(Int32Array.from(classes))]
}

/** How many of each of the three classes there are. */
export function countClasses(labels: Tensor): number[] {
  const counts = [0, 0, 0]
  for (const label of labels.dataSync()) (counts[label] as number)++
  return counts
}
