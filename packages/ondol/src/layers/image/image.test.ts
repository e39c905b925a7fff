// What image layers draw, and that they work wherever layers do: in models, compiled, on records, on single images.
import { beforeAll, describe, expect, it } from 'vitest'
import { setBackend } from '../../backends/load.js'
import { jit, type Tensor, tensor } from '../../engine/index.js'
import { Model } from '../../models/index.js'
import * as ops from '../../ops/index.js'
import type { LayerOptions } from '../index.js'
import * as layers from '../index.js'
import { images as cases } from '../testing/cases/image.js'
import type { ImageLayer } from './base.js'

const CROPS = ['CenterCrop', 'RandomCrop', 'Resizing']
const entries = Object.entries(cases).map(([name, { make, seedGenerators = 0 }]) => {
  const makeImageLayer = (options: LayerOptions & { readonly seed?: number }): ImageLayer<unknown> => make(options) as ImageLayer<unknown>
  return [name, makeImageLayer, seedGenerators] as const
})

const images = (): Tensor =>
  tensor(
    Float32Array.from({ length: 4 * 8 * 8 * 3 }, (_, i) => 0.5 + 0.45 * Math.sin(i * 1.3)),
    [4, 8, 8, 3],
    'float32',
  )
const values = (x: unknown): number[] => Array.from((x as Tensor).dataSync(), Number)

beforeAll(() => setBackend('host'))

describe.each(entries)('%s', (name, make, generators) => {
  const output = CROPS.includes(name) ? [2, 4, 3, 3] : [2, 8, 8, 3]

  it('gives the same eagerly and compiled, and says so of symbols', () => {
    const eager = make(generators > 0 ? { seed: 9 } : {})
    const compiled = make(generators > 0 ? { seed: 9 } : {})
    const step = jit((x: Tensor) => compiled(x, { training: true }) as Tensor)
    const x = images()
    for (let i = 0; i < 2; i++) {
      const wanted = eager(x, { training: true }) as Tensor
      expect(wanted.shape).toEqual([4, ...output.slice(1)])
      const given = values(step(x))
      values(wanted).forEach((value, at) => {
        expect(Math.abs(value - (given[at] as number)), `${at}: ${given[at]} instead of ${value}`).toBeLessThan(1e-4)
      })
      expect(given.every(Number.isFinite)).toBe(true)
    }
    const symbol = layers.Input({ shape: [8, 8, 3] })
    const model = new Model({ inputs: symbol, outputs: make({})(symbol) })
    expect(model.outputShape).toEqual([null, ...output.slice(1)])
  })

  it('takes a single image, and one with the channels first', () => {
    const one = ops.squeeze(ops.slice(images(), [0, 0, 0, 0], [1, 8, 8, 3]), 0)
    expect((make({})(one, { training: true }) as Tensor).shape).toEqual(output.slice(1))
    const layer = layers.deserialize({ ...make({}).serialize(), config: { ...make({}).getConfig(), data_format: 'channels_first' } })
    const first = ops.transpose(images(), { axes: [0, 3, 1, 2] })
    expect((layer(first, { training: true }) as Tensor).shape).toEqual([4, 3, output[1], output[2]])
  })

  if (generators > 0)
    it('draws from its seed, and does nothing without training', () => {
      const x = images()
      const draw = (seed: number): number[] => values(make({ seed })(x, { training: true }))
      expect(draw(5)).toEqual(draw(5))
      if (!CROPS.includes(name)) expect(values(make({ seed: 5 })(x, { training: false }))).toEqual(values(x))
    })
})

describe('what is drawn', () => {
  const many = (): Tensor => ops.full([400, 4, 4, 3], 0.5)

  it('is within the factor', () => {
    const deltas = values(layers.randomBrightness([-0.2, 0.1], { valueRange: [0, 1], seed: 1 }).getRandomTransformation(many())?.rgbDelta)
    expect(Math.min(...deltas)).toBeGreaterThan(-0.2)
    expect(Math.min(...deltas)).toBeLessThan(-0.19)
    expect(Math.max(...deltas)).toBeGreaterThan(0.09)
    const angles = values(layers.randomRotation(0.25, { seed: 1 }).getRandomTransformation(many())?.angle)
    expect(Math.max(...angles)).toBeGreaterThan(85)
    expect(Math.max(...angles.map(Math.abs))).toBeLessThanOrEqual(90)
    expect(Math.abs(angles.reduce((a, b) => a + b) / angles.length)).toBeLessThan(10)
  })

  it('applies to as many images as the probability says', () => {
    const inverted = values(layers.randomInvert([0.3, 0.3], { seed: 1 }).getRandomTransformation(many())?.applyInversion)
    const share = inverted.reduce((a, b) => a + b) / inverted.length
    expect(share).toBeGreaterThan(0.22)
    expect(share).toBeLessThan(0.38)
    const flips = values(layers.randomFlip({ seed: 2 }).getRandomTransformation(many())?.flips)
    expect(Math.abs(flips.reduce((a, b) => a + b) / 400 - 0.5)).toBeLessThan(0.08)
  })

  it('is new for every batch, also compiled', () => {
    const layer = layers.augMix([0, 1], { seed: 4 })
    const step = jit((x: Tensor) => layer(x, { training: true }) as Tensor)
    const x = images()
    expect(values(step(x))).not.toEqual(values(step(x)))
  })

  it('a factor of nothing changes nothing', () => {
    const x = images()
    const same: readonly ImageLayer<unknown>[] = [
      layers.randomRotation(0),
      layers.randomZoom(0),
      layers.randomTranslation(0, 0),
      layers.randomShear(),
      layers.randomBrightness(0, [0, 1]),
      layers.randomContrast(0, [0, 1]),
      layers.randomHue(0, [0, 1]),
      layers.randomSharpness([0.5, 0.5], [0, 1]),
      layers.randomErasing(0, { valueRange: [0, 1] }),
      layers.randomPerspective(0),
      layers.randomElasticTransform(0),
      layers.randomGrayscale(0),
    ]
    for (const layer of same) {
      values(layer(x, { training: true })).forEach((value, i) => {
        expect(Math.abs(value - (values(x)[i] as number)), layer.className).toBeLessThan(2e-5)
      })
    }
  })
})

describe('records', () => {
  const data = () => ({
    images: images(),
    labels: ops.eye(4),
    boundingBoxes: { boxes: ops.tile(tensor([1, 2, 5, 6, 0, 0, 8, 8], [1, 2, 4], 'float32'), [4, 1, 1]), labels: ops.ones([4, 2]) },
    segmentationMasks: ops.cast(ops.greater(ops.slice(images(), [0, 0, 0, 0], [4, 8, 8, 1]), 0.5), 'float32'),
  })

  it('transforms all that is in them alike', () => {
    const result = layers.randomFlip('horizontal', { boundingBoxFormat: 'xyxy', seed: 1 })(data(), {
      training: true,
    }) as unknown as ReturnType<typeof data>
    const wanted = ops.cast(ops.greater(ops.slice(result.images, [0, 0, 0, 0], [4, 8, 8, 1]), 0.5), 'float32')
    expect(values(result.segmentationMasks)).toEqual(values(wanted))
    expect(values(result.labels)).toEqual(values(ops.eye(4)))
    const firsts = values(result.boundingBoxes.boxes).filter((_, i) => i % 8 === 0)
    expect(new Set(firsts)).toEqual(new Set([1, 3]))
  })

  it('ripples masks as images', () => {
    const { images: x } = data()
    const grey = ops.image.rgbToGrayscale(x)
    const layer = layers.randomElasticTransform(1, 1, { valueRange: [0, 1], interpolation: 'nearest', seed: 2 })
    const result = layer({ images: grey, segmentationMasks: grey }, { training: true }) as unknown as {
      images: Tensor
      segmentationMasks: Tensor
    }
    expect(values(result.segmentationMasks)).toEqual(values(result.images))
    expect(values(result.images)).not.toEqual(values(grey))
  })

  it('crops boxes and pads their number', () => {
    const cropped = layers.randomCrop(4, 4, { boundingBoxFormat: 'xyxy', seed: 1 })(data(), { training: true }) as unknown as ReturnType<
      typeof data
    >
    expect(cropped.segmentationMasks.shape).toEqual([4, 4, 4, 1])
    expect(Math.max(...values(cropped.boundingBoxes.boxes))).toBeLessThanOrEqual(4)
    const fixed = layers.maxNumBoundingBoxes(3, { boundingBoxFormat: 'xyxy' })(data()) as unknown as ReturnType<typeof data>
    expect(fixed.boundingBoxes.boxes.shape).toEqual([4, 3, 4])
    expect(values(fixed.boundingBoxes.labels).slice(0, 3)).toEqual([1, 1, -1])
  })

  it('mixes labels and boxes', () => {
    const mixed = layers.mixUp(1, { boundingBoxFormat: 'xyxy', seed: 3 })(data(), { training: true }) as unknown as ReturnType<typeof data>
    expect(mixed.boundingBoxes.boxes.shape).toEqual([4, 4, 4])
    expect(mixed.boundingBoxes.labels.shape).toEqual([4, 4])
    values(ops.sum(mixed.labels, { axis: 1 })).forEach((sum) => {
      expect(sum).toBeCloseTo(1, 5)
    })
  })

  it('takes a record of one image, and boxes through many augmentations', () => {
    const { images: x, boundingBoxes } = data()
    const first = (t: Tensor): Tensor =>
      ops.squeeze(
        ops.slice(
          t,
          t.shape.map(() => 0),
          [1, ...t.shape.slice(1)],
        ),
        0,
      )
    const one = { images: first(x), boundingBoxes: { boxes: first(boundingBoxes.boxes), labels: first(boundingBoxes.labels) } }
    const result = layers.randAugment([0, 1], { boundingBoxFormat: 'xyxy', seed: 6 })(one, { training: true }) as unknown as typeof one
    expect(result.images.shape).toEqual([8, 8, 3])
    expect(result.boundingBoxes.boxes.shape).toEqual([2, 4])
  })

  it('asks for the format of boxes', () => {
    expect(() => layers.randomFlip()(data(), { training: true })).toThrow(/boundingBoxFormat/)
  })
})

it('refuses what does not fit', () => {
  expect(() => layers.randomBrightness(2)).toThrow(/factor.*\[-1, 1\]/s)
  expect(() => layers.randomZoom(-1)).toThrow(/\(-1, 1\]/)
  expect(() => layers.randomGaussianBlur(1, 4)).toThrow(/odd/)
  expect(() => layers.randomFlip('sideways' as 'vertical')).toThrow(/horizontal_and_vertical/)
  expect(() => layers.randomRotation(0.1, { fillMode: 'mirror' })).toThrow(/reflect, wrap/)
  expect(() => layers.randomContrast(0.1)(ops.ones([4, 4]))).toThrow(/no images/)
  expect(() => layers.cutMix({ boundingBoxFormat: 'xyxy' })).not.toThrow()
})
