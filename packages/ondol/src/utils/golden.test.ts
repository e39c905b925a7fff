/** Pictures, windows and spaces of features against the real Keras (and Pillow, which it uses). */
import { beforeAll, describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { type Tensor, tensor, useBackend } from '../engine/index.js'
import { elements, readVectors, type VectorTensor } from '../testing/vectors.js'
import { arrayToImg, decodeImage, FeatureSpace, imgToArray, loadImg, smartResize, timeseriesDatasetFromArray } from './index.js'

interface UtilsVectors {
  readonly images: readonly { readonly title: string; readonly file: string; readonly modes: Readonly<Record<string, VectorTensor>> }[]
  readonly resizes: readonly {
    readonly file: string
    readonly size: readonly [number, number]
    readonly interpolation: string
    readonly keep: boolean
    readonly value: VectorTensor
  }[]
  readonly arrays: readonly { readonly x: VectorTensor; readonly scale: boolean; readonly value: VectorTensor }[]
  readonly smart: readonly { readonly x: VectorTensor; readonly size: readonly [number, number]; readonly value: VectorTensor }[]
  readonly series: readonly {
    readonly options: Readonly<Record<string, number | null>>
    readonly targets: boolean
    readonly batches: readonly (readonly VectorTensor[])[]
  }[]
  readonly spaces: readonly {
    readonly mode: string
    readonly data: Readonly<Record<string, string[] | number[]>>
    readonly value: VectorTensor | Readonly<Record<string, VectorTensor>>
  }[]
}

const vectors = readVectors<UtilsVectors>('utils')
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'))
const load = (vector: VectorTensor): Tensor => tensor(elements(vector), vector.shape, vector.dtype)
const camel = (name: string): string => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())

beforeAll(() => useBackend(createHostBackend()))

function expectClose(actual: Tensor, expected: VectorTensor, tolerance = 1e-5): void {
  expect(actual.shape).toEqual(expected.shape)
  const wanted = elements(expected)
  actual.dataSync().forEach((value, i) => {
    expect(Math.abs(value - (wanted[i] as number)), `[${i}]: ${value} instead of ${wanted[i]}`).toBeLessThanOrEqual(tolerance)
  })
}

describe('pictures', () => {
  it.each(vectors.images)('$title', async ({ file, modes }) => {
    for (const [colorMode, wanted] of Object.entries(modes)) {
      const picture = await loadImg(bytesOf(file), { colorMode })
      expect([picture.height, picture.width]).toEqual(wanted.shape.slice(0, 2))
      expect([...picture.data], colorMode).toEqual([...elements(wanted)])
    }
  })

  it.each(vectors.resizes)('$interpolation to $size, keeping proportions: $keep', async ({ file, size, interpolation, keep, value }) => {
    const picture = await loadImg(bytesOf(file), { targetSize: size, interpolation, keepAspectRatio: keep })
    expectClose(imgToArray(picture), value, interpolation === 'nearest' ? 0 : 1)
  })

  it.each(vectors.arrays)('from arrays, scaled: $scale', ({ x, scale, value }) => {
    expectClose(imgToArray(arrayToImg(load(x), { scale })), value, 0)
  })

  it.each(vectors.smart)('resized without distortion to $size', ({ x, size, value }) => {
    expectClose(smartResize(load(x), size), value)
  })

  it('of other formats are refused by name', async () => {
    await expect(decodeImage(new TextEncoder().encode('RIFF1234WEBP'))).rejects.toThrow(/WebP format cannot be read/)
    await expect(decodeImage(Uint8Array.of(1, 2, 3, 4))).rejects.toThrow(/no known format/)
  })

  it('that are damaged are refused', async () => {
    const whole = bytesOf(vectors.images[0]?.file as string)
    await expect(decodeImage(whole.subarray(0, 60))).rejects.toThrow(/PNG/)
    for (let at = 8; at < whole.length - 12; at += 5) {
      const damaged = Uint8Array.from(whole)
      damaged[at] = (damaged[at] as number) ^ 0x41
      await expect(decodeImage(damaged), `byte ${at}`).rejects.toThrow(/PNG/)
    }
  })
})

describe('timeseriesDatasetFromArray', () => {
  it.each(vectors.series)('$options, targets: $targets', async ({ options, targets, batches }) => {
    const { sequence_length: length, ...rest } = options
    const data = tensor(
      Array.from({ length: 20 }, (_, i) => i),
      [20, 1],
      'float32',
    )
    const wanted = targets
      ? tensor(
          Array.from({ length: 20 }, (_, i) => 100 + i),
          [20],
          'int32',
        )
      : null
    const camelOptions = Object.fromEntries(Object.entries(rest).map(([name, value]) => [camel(name), value]))
    const found: (readonly { array(): unknown; readonly shape: readonly number[] }[])[] = []
    for await (const batch of timeseriesDatasetFromArray(data, wanted, length as number, camelOptions)) {
      found.push(Array.isArray(batch) ? batch : [batch])
    }
    expect(found.map((batch) => batch.map(({ shape }) => shape))).toEqual(batches.map((batch) => batch.map(({ shape }) => shape)))
    expect(found.map((batch) => batch.map((part) => [part.array()].flat(9)))).toEqual(
      batches.map((batch) => batch.map((part) => [...elements(part)])),
    )
  })
})

describe('FeatureSpace', () => {
  const [concatenated, single, separate] = vectors.spaces as [
    UtilsVectors['spaces'][0],
    UtilsVectors['spaces'][0],
    UtilsVectors['spaces'][0],
  ]
  const make = (): FeatureSpace =>
    new FeatureSpace(
      {
        n: 'float_normalized',
        b: FeatureSpace.floatDiscretized(3),
        r: FeatureSpace.floatRescaled(0.1, 1),
        s: 'string_categorical',
        i: FeatureSpace.integerCategorical({ numOovIndices: 2 }),
        h: FeatureSpace.stringHashed(5),
        j: 'integerHashed',
        f: 'float',
      },
      {
        crosses: [
          ['s', 'i'],
          ['h', 'j'],
        ],
        crossingDim: 6,
        hashingDim: 4,
      },
    )

  it('puts features together', async () => {
    const space = make()
    await space.adapt(concatenated.data)
    expectClose(space(concatenated.data), concatenated.value as VectorTensor)
    expectClose(space(single.data), single.value as VectorTensor)
  })

  it('gives them apart', async () => {
    const options = { outputMode: 'int' }
    const space = new FeatureSpace(
      { n: 'float_normalized', s: FeatureSpace.stringCategorical(options), i: FeatureSpace.integerCategorical(options) },
      { crosses: [FeatureSpace.cross(['s', 'i'], 7, 'int')], outputMode: 'dict' },
    )
    await space.adapt(separate.data)
    const found = space<Record<string, Tensor>>(separate.data)
    const wanted = separate.value as Readonly<Record<string, VectorTensor>>
    expect(Object.keys(found).sort()).toEqual(Object.keys(wanted).sort())
    for (const [name, value] of Object.entries(wanted)) expectClose(found[name] as Tensor, value)
  })

  it('comes back from its config', async () => {
    const config = JSON.parse(JSON.stringify(make().getConfig()))
    const again = FeatureSpace.fromConfig(config)
    expect(again.getConfig()).toEqual(config)
    await again.adapt(concatenated.data)
    expectClose(again(concatenated.data), concatenated.value as VectorTensor)
  })

  it('says what is wrong', () => {
    expect(() => new FeatureSpace({ a: 'floaty' })).toThrow(/unknown kind of the feature 'a'/)
    expect(() => new FeatureSpace({ a: 'float' }, { crosses: [['a', 'b']] })).toThrow(/names the feature 'b'/)
    const space = make()
    expect(() => space(concatenated.data)).toThrow(/call adapt/)
    expect(() => new FeatureSpace({ a: 'string_hashed' }).getEncodedFeatures()).toThrow(/is strings/)
    expect(() => new FeatureSpace({ a: 'float' })({ b: [1] })).toThrow(/there is no feature 'b'/)
  })
})
