// Options of networks: what goes together, what does not, and weights from files.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, expectTypeOf, it, vi } from 'vitest'
import { loadDefaultBackend } from '../backends/load.js'
import { ValueError } from '../core/errors.js'
import { type Tensor, tensor } from '../engine/index.js'
import * as config from '../layers/config.js'
import * as layers from '../layers/index.js'
import { Model } from '../models/index.js'
import { setRandomSeed } from '../utils/session.js'
import type { Application, ImageModel } from './application.js'
import * as applications from './index.js'

await loadDefaultBackend()
const folder = mkdtempSync(join(tmpdir(), 'ondol-applications-'))
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => {
  config.setImageDataFormat('channels_last')
  vi.restoreAllMocks()
})

const { MobileNet, MobileNetV2, MobileNetV3Small, ResNet50, VGG16 } = applications
const small = { alpha: 0.25, inputShape: [32, 32, 3], classes: 4 } as const

describe('shapes', () => {
  const none = { weights: null } as const
  it.each([
    [() => ResNet50({ ...none, inputShape: [31, 64, 3] }), 'input size must be at least 32x32', 'inputShape=(31, 64, 3)'],
    [() => ResNet50({ ...none, includeTop: false, inputShape: [64, 31, 3] }), 'at least 32x32', '(64, 31, 3)'],
    [() => applications.InceptionV3({ ...none, inputShape: [74, 75, 3] }), 'at least 75x75', '(74, 75, 3)'],
    [() => applications.Xception({ ...none, includeTop: false, inputShape: [70, null, 3] }), 'at least 71x71', '(70, None, 3)'],
    [() => MobileNetV3Small({ ...none, inputShape: [224, 31, 3] }), 'at least 32x32', '(224, 31, 3)'],
    [() => VGG16({ ...none, inputShape: [null, null, 3] }), 'sizes are all known', 'includeTop: false'],
    [() => VGG16({ ...none, inputShape: [64, 64] }), 'needs three sizes, without the batch', '(224, 224, 3)'],
    [() => MobileNetV2({ ...none, inputShape: [96, 96, 3], inputTensor: layers.Input({ shape: [64, 64, 3] }) }), 'differ', '(64, 64, 3)'],
  ])('that do not fit are refused: %#', (make, ...texts) => {
    for (const text of texts) expect(make).toThrow(text)
    expect(make).toThrow(ValueError)
  })

  it('of other channels are made, with a word', () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue()
    expect(MobileNet({ ...none, inputShape: [32, 32, 5], includeTop: false }).inputShape).toEqual([null, 32, 32, 5])
    expect(warn.mock.lastCall?.[0]).toContain('1 or 3 channels, here of 5')
  })

  it('follow the data format', () => {
    config.setImageDataFormat('channels_first')
    expect(() => ResNet50({ ...none, inputShape: [3, 31, 32] })).toThrow('at least 32x32')
    expect(MobileNet({ ...none, includeTop: false }).inputShape).toEqual([null, 3, null, null])
    for (const make of [applications.DenseNet121, applications.NASNetMobile, applications.ConvNeXtTiny])
      expect(() => (make as Application)(none)).toThrow('cannot be made with channels first')
  })
})

describe('weights from ImageNet', () => {
  it.each([
    [() => ResNet50({ classes: 10 }), 'has 1000 classes', 'classes=10'],
    [() => ResNet50({ inputShape: [200, 200, 3] }), 'images of one size', 'inputShape=(224, 224, 3)'],
    [() => ResNet50({ includeTop: false, inputShape: [64, 64, 1] }), 'images of 3 channels', '(64, 64, 1)'],
    [() => ResNet50({ classifierActivation: 'relu' }), 'probabilities or logits', 'classifierActivation=relu'],
    [() => MobileNet({ alpha: 0.3 }), 'no weights from ImageNet for this width', 'alpha: 0.25, 0.5, 0.75, 1'],
    [() => MobileNet({ depthMultiplier: 2 }), 'one depthwise kernel', 'depthMultiplier=2'],
    [() => MobileNetV2({ alpha: 2 }), 'for this width', 'alpha=2'],
    [() => MobileNetV3Small({ alpha: 0.75, minimalistic: true }), 'for this width', 'alpha: 1'],
    [() => ResNet50({ weights: 'imagnet' }), 'no such file of weights', "weights='imagnet'"],
  ])('refuse what they are not for: %#', async (make, ...texts) => {
    const error = (await make().then(
      () => undefined,
      (reason: unknown) => reason,
    )) as Error
    expect(error).toBeInstanceOf(ValueError)
    for (const text of texts) expect(error.message).toContain(text)
  })
})

it('options that do not exist are refused', () => {
  const options = { weights: null, includetop: false } as unknown as { weights: null }
  expect(() => ResNet50(options)).toThrow(/there is no option 'includetop'[\s\S]*did you mean 'includeTop'/)
  expect(() => ResNet50({ weights: null, alpha: 1 } as unknown as { weights: null })).toThrow("there is no option 'alpha'")
  expect(() => ResNet50({ weights: null, pooling: 'min' as 'max' })).toThrow('unknown pooling')
})

it('a network is there at once where no weights are waited for', () => {
  expect(MobileNet({ ...small, weights: null })).toBeInstanceOf(Model)
  const types = (either: string | null): void => {
    expectTypeOf(MobileNet({ weights: null })).toEqualTypeOf<ImageModel>()
    expectTypeOf(MobileNet()).toEqualTypeOf<Promise<ImageModel>>()
    expectTypeOf(MobileNet({ alpha: 0.5, weights: 'small.weights.h5' })).toEqualTypeOf<Promise<ImageModel>>()
    expectTypeOf(MobileNet({ weights: either })).toEqualTypeOf<ImageModel | Promise<ImageModel>>()
    // @ts-expect-error: this network has no such option
    MobileNet({ weights: null, dropoutRate: 0.5 })
  }
  expect(types).toBeTypeOf('function')
})

it('weights come from a file', async () => {
  setRandomSeed(4)
  const path = join(folder, 'small.weights.h5')
  const model = MobileNet({ ...small, weights: null })
  await model.saveWeights(path)
  const x = tensor(
    Float32Array.from({ length: 32 * 32 * 3 }, (_, i) => Math.sin(i)),
    [1, 32, 32, 3],
  )
  const expected = await ((await model.predict(x, { verbose: 0 })) as Tensor).data()
  const copy = await MobileNet({ ...small, weights: path })
  expect(await ((await copy.predict(x, { verbose: 0 })) as Tensor).data()).toEqual(expected)
  await expect(MobileNet({ ...small, alpha: 0.5, weights: path })).rejects.toThrow(/shape/)
})

it('a network goes on from a tensor', async () => {
  const pixels = layers.Input({ shape: [16, 16, 3], name: 'pixels' })
  const larger = layers.upSampling2d([2, 2])(pixels)
  const model = MobileNet({ alpha: 0.25, classes: 4, weights: null, inputTensor: larger, inputShape: [32, 32, 3] })
  expect(model.inputNames).toEqual(['pixels'])
  const prediction = (await model.predict(tensor(new Float32Array(2 * 16 * 16 * 3), [2, 16, 16, 3]), { verbose: 0 })) as Tensor
  expect(prediction.shape).toEqual([2, 4])
})

it('a network is a layer of another model, and is trained', async () => {
  const base = MobileNet({ alpha: 0.25, includeTop: false, pooling: 'avg', weights: null, inputShape: [32, 32, 3] })
  expect(base.outputShape).toEqual([null, 256])
  const images = layers.Input({ shape: [32, 32, 3] })
  const model = new Model({ inputs: images, outputs: layers.dense(1)(base(images)) })
  model.compile({ optimizer: 'sgd', loss: 'mse' })
  const x = tensor(new Float32Array(4 * 32 * 32 * 3).fill(0.5), [4, 32, 32, 3])
  const { history } = await model.fit(x, tensor(new Float32Array(4), [4, 1]), { epochs: 2, verbose: 0 })
  expect(history.loss?.every(Number.isFinite)).toBe(true)
})
