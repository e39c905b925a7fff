import { describe, expect, it } from 'vitest'
import { array, type HostArray, transforms } from './index.js'
import { makeRandom } from './random.js'

const image = (values: readonly (readonly (number | readonly number[])[])[], dtype: 'uint8' | 'float32' = 'uint8'): HostArray =>
  array(values as never, undefined, dtype)
/** Random numbers as told. */
const told = (...numbers: number[]): { random: () => number } => ({ random: () => numbers.shift() as number })

describe('transforms', () => {
  it('scale and normalise', () => {
    const scaled = transforms.toTensor()(image([[0, 51], [255, 102]])) // biome-ignore format: one line
    expect([scaled.dtype, scaled.shape]).toEqual(['float32', [2, 2]])
    expect(Array.from(scaled.data, (x) => Math.round(x * 10) / 10)).toEqual([0, 0.2, 1, 0.4])
    const coloured = image([[[1, 2], [3, 6]]], 'float32') // biome-ignore format: one line
    expect(transforms.normalize([1, 2], [2, 4])(coloured).array()).toEqual([[[0, 0], [1, 1]]]) // biome-ignore format: one line
    expect(transforms.normalize(1, 0.5)(coloured).array()).toEqual([[[0, 2], [4, 10]]]) // biome-ignore format: one line
    expect(() => transforms.normalize(0, 1)(image([[1]]))).toThrow(/Normalize[\s\S]*float32[\s\S]*uint8[\s\S]*ToTensor/)
    expect(() => transforms.normalize([0, 0, 0], 1)(coloured)).toThrow(/one value for each channel/)
  })

  it('flip', () => {
    const picture = image([[[1, 2], [3, 4]], [[5, 6], [7, 8]]]) // biome-ignore format: one line
    expect(transforms.randomHorizontalFlip(1)(picture).array()).toEqual([[[3, 4], [1, 2]], [[7, 8], [5, 6]]]) // biome-ignore format: one line
    expect(transforms.randomVerticalFlip(1)(picture).array()).toEqual([[[5, 6], [7, 8]], [[1, 2], [3, 4]]]) // biome-ignore format: one line
    expect(transforms.randomHorizontalFlip(0)(picture)).toBe(picture)
    expect(transforms.randomHorizontalFlip()(picture, told(0.4))).not.toBe(picture)
    expect(transforms.randomHorizontalFlip()(picture, told(0.5))).toBe(picture)
    expect(() => transforms.randomHorizontalFlip(2)).toThrow(/probability/)
  })

  it('crop and pad', () => {
    const picture = image([[1, 2, 3], [4, 5, 6], [7, 8, 9]]) // biome-ignore format: one line
    expect(transforms.centerCrop(1)(picture).array()).toEqual([[5]])
    expect(transforms.centerCrop([3, 1])(picture).array()).toEqual([[2], [5], [8]])
    expect([...transforms.centerCrop(5)(picture).data].slice(0, 5)).toEqual([0, 0, 0, 0, 0])
    expect([...transforms.pad([0, 1], { fill: 9 })(picture).data].slice(0, 5)).toEqual([9, 1, 2, 3, 9])
    const crop = transforms.randomCrop(2, { padding: 1, fill: 9 })
    expect(crop(picture, told(0, 0)).array()).toEqual([[9, 9], [9, 1]]) // biome-ignore format: one line
    expect(crop(picture, told(0.99, 0.5)).array()).toEqual([[8, 9], [9, 9]]) // biome-ignore format: one line
    expect(crop(picture, told(0.99, 0.99)).array()).toEqual([[9, 9], [9, 9]]) // biome-ignore format: one line
    expect(() => transforms.randomCrop(6)(picture)).toThrow(/too small[\s\S]*6 x 6/)
    expect(() => transforms.centerCrop(1)(array([1, 2]))).toThrow(/no image/)
  })

  it('reach every place equally', () => {
    const picture = image([[0, 1, 2, 3]]) // biome-ignore format: one line
    const random = makeRandom(1)
    const counts = [0, 0, 0, 0]
    for (let i = 0; i < 4000; i++) counts[transforms.randomCrop(1)(picture, { random }).item()]!++
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(130)
  })

  it('resize between the centres of pixels', () => {
    // As Keras's UpSampling2D, bilinear, of [[0, 1]].
    expect(
      transforms
        .resize([1, 4])(image([[0, 1]], 'float32'))
        .array(),
    ).toEqual([[0, 0.25, 0.75, 1]])
    expect(transforms.resize(1)(image([[1, 2], [4, 6]])).array()).toEqual([[3]]) // biome-ignore format: one line
    const picture = image([[1, 2]])
    expect(transforms.resize([1, 2])(picture)).toBe(picture)
    expect(() => transforms.resize(2)(array([[1]], undefined, 'int32'))).toThrow(/Resize[\s\S]*int32/)
  })

  it('go one after the other, with new or without, on one stream of random numbers', () => {
    const both = new transforms.Compose([transforms.randomCrop(1), new transforms.ToTensor(), (x) => x])
    const picture = image([[0, 255]])
    expect(both(picture, told(0, 0.9)).array()).toEqual([[1]])
    expect(both(picture, told(0, 0.1)).array()).toEqual([[0]])
    expect(both(picture).shape).toEqual([1, 1])
  })
})
