/** Fashion-MNIST as the examples use it: pictures with a channel axis and numbers from 0 to 1. */
import { datasets, ops, type Tensor } from 'ondol'

export interface Pictures {
  /** (n, size, size, channels), 0 to 1. */
  readonly x: Tensor
  /** (n), 0 to 9. */
  readonly y: Tensor
}

export interface ClothesOptions {
  /** How many of the 60,000 pictures to learn from. Default: all. */
  readonly train?: number
  /** How many of the 10,000 test pictures. Default: all. */
  readonly test?: number
  /** Height and width, resized from 28. */
  readonly size?: number
  /** 3: the grey three times, for networks that expect colours. Default 1. */
  readonly channels?: 1 | 3
}

/** The first pictures of Fashion-MNIST's two parts. */
export async function loadClothes({ train = 60_000, test = 10_000, size = 28, channels = 1 }: ClothesOptions = {}): Promise<{
  readonly train: Pictures
  readonly test: Pictures
}> {
  const prepare = ([images, labels]: readonly [Tensor, Tensor], count: number): Pictures => {
    const grey = ops.expandDims(ops.divide(ops.cast(ops.slice(images, [0, 0, 0], [count, 28, 28]), 'float32'), 255), -1)
    const resized = size === 28 ? grey : ops.image.resize(grey, [size, size])
    return { x: channels === 1 ? resized : ops.repeat(resized, channels, -1), y: ops.slice(labels, [0], [count]) }
  }
  const [first, second] = await datasets.fashionMnist.loadData()
  return { train: prepare(first, train), test: prepare(second, test) }
}
