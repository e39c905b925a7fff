/**
 * Small colour pictures: CIFAR-10 from a folder given with `--data`, else Fashion-MNIST padded to 32x32 and in three
 * equal channels, which everybody can have.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { data, datasets, ops, type Tensor } from 'ondol'
import { dataFolder } from './example.js'

export interface PhotosOptions {
  /** How many pictures to learn from. Default: all there are. */
  readonly train?: number
  readonly test?: number
  /** Height and width, resized from 32. */
  readonly size?: number
}

export interface Photos {
  readonly name: string
  readonly classNames: readonly string[]
  readonly train: Part
  readonly test: Part
}

interface Part {
  /** (n, size, size, 3), 0 to 1. */
  readonly x: Tensor
  /** (n), class numbers. */
  readonly y: Tensor
}

/** Pictures as bytes (n, 32, 32, 3) with their labels, for pipelines that change them one by one. */
export interface RawPhotos {
  readonly name: string
  readonly classNames: readonly string[]
  readonly train: readonly [images: data.HostArray, labels: data.HostArray]
  readonly test: readonly [images: data.HostArray, labels: data.HostArray]
}

export async function loadRawPhotos({ train, test }: Pick<PhotosOptions, 'train' | 'test'> = {}): Promise<RawPhotos> {
  const folder = dataFolder(
    'the files data_batch_1.bin … (all or some) and test_batch.bin of CIFAR-10 (https://www.cs.toronto.edu/~kriz/cifar.html)',
  )
  const source = folder === undefined ? await clothes() : await cifar(folder)
  const first = ([images, labels]: readonly [data.HostArray, data.HostArray], count = images.shape[0] as number) => {
    const size = Math.min(count, images.shape[0] as number)
    return [images.slice(0, size), labels.slice(0, size)] as const
  }
  return { ...source, train: first(source.train, train), test: first(source.test, test) }
}

/** The same as tensors of numbers from 0 to 1. */
export async function loadPhotos({ size = 32, ...counts }: PhotosOptions = {}): Promise<Photos> {
  const { name, classNames, train, test } = await loadRawPhotos(counts)
  const prepare = ([images, labels]: RawPhotos['train']): Part => {
    const x = ops.divide(ops.cast(images.toTensor(), 'float32'), 255)
    return { x: size === 32 ? x : ops.image.resize(x, [size, size]), y: labels.toTensor() }
  }
  return { name, classNames, train: prepare(train), test: prepare(test) }
}

async function cifar(folder: string): Promise<RawPhotos> {
  // A part of the five files will do.
  const batches = [1, 2, 3, 4, 5].filter((i) => ['', '.bin'].some((ending) => existsSync(join(folder, `data_batch_${i}${ending}`))))
  const [train, test] = await datasets.cifar10.loadData({ path: folder, ...(batches.length > 0 && { batches }) })
  const host = ([images, labels]: readonly [Tensor, Tensor]) => [data.array(images), data.array(labels).reshape([labels.size])] as const
  return { name: 'CIFAR-10', classNames: datasets.cifar10.classNames, train: host(train), test: host(test) }
}

async function clothes(): Promise<RawPhotos> {
  const [train, test] = await datasets.fashionMnist.loadData()
  const host = ([images, labels]: readonly [Tensor, Tensor]) => {
    const grey = data.array(images)
    const count = grey.shape[0] as number
    const [from, to] = [grey.data, new Uint8Array(count * 32 * 32 * 3)]
    for (let i = 0; i < count; i++)
      for (let row = 0; row < 28; row++)
        for (let column = 0; column < 28; column++) {
          const at = ((i * 32 + row + 2) * 32 + column + 2) * 3
          to.fill(from[(i * 28 + row) * 28 + column] as number, at, at + 3)
        }
    return [data.array(to, [count, 32, 32, 3]), data.array(labels)] as const
  }
  return { name: 'Fashion-MNIST', classNames: datasets.fashionMnist.classNames, train: host(train), test: host(test) }
}
