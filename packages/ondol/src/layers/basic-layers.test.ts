/** The harness on convolutions, pools, normalisations, noise, reshaping and core layers, and what is particular to each. */
import { describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { getCustomObjects, registerKerasSerializable } from '../core/custom-objects.js'
import { GraphError, SavingError, ShapeError, ValueError } from '../core/errors.js'
import { GradientTape, type Tensor, tensor, useBackend } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { KerasTensor } from '../ops/operation.js'
import * as layers from './index.js'
import { maskOf } from './masks.js'
import { runLayerTest } from './testing/run-layer-test.js'

useBackend(createHostBackend())

const steps = [2, 4, 3]
const image = [2, 4, 5, 4]
const first = [2, 4, 4, 5]
const volume = [2, 3, 4, 3, 2]
const volumeFirst = [2, 2, 3, 4, 3]
const FIRST = { dataFormat: 'channels_first' } as const

describe('every layer', () => {
  const kernel = { trainable: ['kernel', 'bias'] }
  runLayerTest('Conv3D', { make: (o) => layers.conv3d(4, 2, { groups: 2, ...o }), input: volume, output: [2, 2, 3, 2, 4], ...kernel })
  runLayerTest('Conv3D channels first', {
    make: (o) => layers.conv3d(3, 2, { padding: 'same', strides: 2, kernelRegularizer: 'l2', ...FIRST, ...o }),
    input: volumeFirst,
    output: [2, 3, 2, 2, 2],
    losses: 1,
    ...kernel,
  })
  runLayerTest('Conv1DTranspose', {
    make: (o) => layers.conv1dTranspose(2, 3, { strides: 2, outputPadding: 1, ...o }),
    input: steps,
    output: [2, 10, 2],
    ...kernel,
  })
  runLayerTest('Conv2DTranspose', {
    make: (o) => layers.conv2dTranspose(3, 3, { strides: 2, padding: 'same', ...o }),
    input: image,
    output: [2, 8, 10, 3],
    ...kernel,
  })
  runLayerTest('Conv2DTranspose channels first', {
    make: (o) => layers.conv2dTranspose(3, [2, 1], { useBias: false, ...FIRST, ...o }),
    input: first,
    output: [2, 3, 5, 5],
    trainable: ['kernel'],
  })
  runLayerTest('Conv3DTranspose', { make: (o) => layers.conv3dTranspose(2, 2, o), input: volume, output: [2, 4, 5, 4, 2], ...kernel })
  runLayerTest('MaxPooling3D', {
    make: (o) => layers.maxPooling3d(2, { padding: 'same', ...o }),
    input: volume,
    output: [2, 2, 2, 2, 2],
  })
  runLayerTest('AveragePooling3D', {
    make: (o) => layers.averagePooling3d([1, 2, 3], { ...FIRST, ...o }),
    input: volumeFirst,
    output: [2, 2, 3, 2, 1],
  })
  runLayerTest('GlobalAveragePooling3D', { make: (o) => layers.globalAveragePooling3d(o), input: volume, output: [2, 2] })
  runLayerTest('GlobalMaxPooling3D', {
    make: (o) => layers.globalMaxPooling3d({ keepdims: true, ...FIRST, ...o }),
    input: volumeFirst,
    output: [2, 2, 1, 1, 1],
  })
  runLayerTest('AdaptiveAveragePooling1D', {
    make: (o) => layers.adaptiveAveragePooling1d(3, o),
    input: steps,
    output: [2, 3, 3],
    builtWhenMade: false,
  })
  runLayerTest('AdaptiveAveragePooling2D', {
    make: (o) => layers.adaptiveAveragePooling2d([2, 3], o),
    input: image,
    output: [2, 2, 3, 4],
    builtWhenMade: false,
  })
  runLayerTest('AdaptiveAveragePooling3D', {
    make: (o) => layers.adaptiveAveragePooling3d(2, { ...FIRST, ...o }),
    input: volumeFirst,
    output: [2, 2, 2, 2, 2],
    builtWhenMade: false,
  })
  runLayerTest('AdaptiveMaxPooling1D', {
    make: (o) => layers.adaptiveMaxPooling1d(2, o),
    input: steps,
    output: [2, 2, 3],
    builtWhenMade: false,
  })
  runLayerTest('AdaptiveMaxPooling2D', {
    make: (o) => layers.adaptiveMaxPooling2d(3, { ...FIRST, ...o }),
    input: first,
    output: [2, 4, 3, 3],
    builtWhenMade: false,
  })
  runLayerTest('AdaptiveMaxPooling3D', {
    make: (o) => layers.adaptiveMaxPooling3d([1, 2, 2], o),
    input: volume,
    output: [2, 1, 2, 2, 2],
    builtWhenMade: false,
  })

  const affine = { trainable: ['gamma', 'beta'] }
  runLayerTest('LayerNormalization', {
    make: (o) => layers.layerNormalization(o),
    input: steps,
    output: steps,
    passesMask: true,
    ...affine,
  })
  runLayerTest('LayerNormalization over two axes', {
    make: (o) => layers.layerNormalization({ axis: [1, -1], center: false, gammaRegularizer: 'l2', ...o }),
    input: steps,
    output: steps,
    trainable: ['gamma'],
    losses: 1,
  })
  runLayerTest('GroupNormalization', {
    make: (o) => layers.groupNormalization({ groups: 2, ...o }),
    input: image,
    output: image,
    passesMask: true,
    ...affine,
  })
  runLayerTest('GroupNormalization of instances, channels first', {
    make: (o) => layers.groupNormalization({ groups: -1, axis: 1, ...o }),
    input: first,
    output: first,
    ...affine,
  })
  runLayerTest('RMSNormalization', { make: (o) => layers.rmsNormalization(o), input: steps, output: steps, trainable: ['scale'] })
  runLayerTest('UnitNormalization', {
    make: (o) => layers.unitNormalization({ axis: [1, 2], ...o }),
    input: steps,
    output: steps,
    passesMask: true,
  })
  runLayerTest('SpectralNormalization', {
    make: (o) =>
      layers.spectralNormalization(layers.dense(3, { name: 'inner', ...(o.dtype !== undefined && { dtype: o.dtype }) }), {
        powerIterations: 2,
        ...o,
      }),
    input: [2, 4],
    output: [2, 3],
    trainable: ['kernel', 'bias'],
    nonTrainable: ['vector_u'],
  })

  runLayerTest('ActivityRegularization', {
    make: (o) => layers.activityRegularization({ l1: 0.1, ...o }),
    input: steps,
    output: steps,
    losses: 1,
    passesMask: true,
  })
  const random = { seedGenerators: 1, passesMask: true }
  runLayerTest('AlphaDropout', {
    make: (o) => layers.alphaDropout(0.2, { noiseShape: [null, 1, 3], ...o }),
    input: steps,
    output: steps,
    ...random,
  })
  runLayerTest('GaussianDropout', { make: (o) => layers.gaussianDropout(0.2, { seed: 3, ...o }), input: steps, output: steps, ...random })
  runLayerTest('GaussianNoise', { make: (o) => layers.gaussianNoise(0.2, o), input: steps, output: steps, ...random })
  runLayerTest('SpatialDropout1D', { make: (o) => layers.spatialDropout1d(0.5, o), input: steps, output: steps, ...random })
  runLayerTest('SpatialDropout2D', {
    make: (o) => layers.spatialDropout2d(0.5, { ...FIRST, ...o }),
    input: first,
    output: first,
    ...random,
  })
  runLayerTest('SpatialDropout3D', { make: (o) => layers.spatialDropout3d(0.5, o), input: volume, output: volume, ...random })

  runLayerTest('Cropping1D', { make: (o) => layers.cropping1d([0, 1], o), input: steps, output: [2, 3, 3], builtWhenMade: false })
  runLayerTest('Cropping2D', { make: (o) => layers.cropping2d([[1, 0], 2], o), input: image, output: [2, 3, 1, 4], builtWhenMade: false })
  runLayerTest('Cropping3D', {
    make: (o) => layers.cropping3d([0, 1, 1], { ...FIRST, ...o }),
    input: volumeFirst,
    output: [2, 2, 3, 2, 1],
    builtWhenMade: false,
  })
  runLayerTest('ZeroPadding3D', {
    make: (o) => layers.zeroPadding3d([1, [0, 2], 0], o),
    input: volume,
    output: [2, 5, 6, 3, 2],
    builtWhenMade: false,
  })
  runLayerTest('RepeatVector', { make: (o) => layers.repeatVector(3, o), input: [2, 4], output: [2, 3, 4], builtWhenMade: false })
  runLayerTest('UpSampling1D', { make: (o) => layers.upSampling1d(2, o), input: steps, output: [2, 8, 3], builtWhenMade: false })
  for (const interpolation of ['nearest', 'bilinear', 'bicubic', 'lanczos3', 'lanczos5'] as const) {
    runLayerTest(`UpSampling2D ${interpolation}`, {
      make: (o) => layers.upSampling2d([2, 1], { interpolation, ...o }),
      input: image,
      output: [2, 8, 5, 4],
      builtWhenMade: false,
    })
  }
  runLayerTest('UpSampling3D', {
    make: (o) => layers.upSampling3d([1, 2, 3], { ...FIRST, ...o }),
    input: volumeFirst,
    output: [2, 2, 3, 8, 9],
    builtWhenMade: false,
  })

  runLayerTest('ELU', { make: (o) => layers.elu({ alpha: 0.5, ...o }), input: steps, output: steps, passesMask: true })
  runLayerTest('PReLU', {
    make: (o) => layers.prelu({ sharedAxes: [1], ...o }),
    input: steps,
    output: steps,
    trainable: ['alpha'],
    passesMask: true,
  })

  runLayerTest('EinsumDense', {
    make: (o) => layers.einsumDense('abc,cde->abde', [null, 2, 5], { biasAxes: 'e', ...o }),
    input: steps,
    output: [2, 4, 2, 5],
    ...kernel,
  })
  runLayerTest('Identity', { make: (o) => layers.identity(o), input: steps, output: steps, passesMask: true })
  runLayerTest('Masking', { make: (o) => layers.masking({ maskValue: 2, ...o }), input: steps, output: steps, passesMask: true })
  runLayerTest('ReversibleEmbedding', {
    make: (o) => layers.reversibleEmbedding(3, 4, o),
    input: [2, 5],
    inputDtype: 'int32',
    output: [2, 5, 4],
    trainable: ['embeddings'],
  })
  const lora = { trainable: ['bias', 'lora_kernel_a', 'lora_kernel_b'], nonTrainable: ['kernel'] }
  registerKerasSerializable('tests')(halves)
  runLayerTest('Lambda', { make: (o) => layers.lambda(halves, o), input: steps, output: steps, passesMask: false, builtWhenMade: false })

  it('LoRA: names and freezes', () => {
    const layer = layers.dense(3, { loraRank: 2 })
    layer.build([null, 4])
    expect(layer.trainableWeights.map(({ name }) => name)).toEqual(lora.trainable)
    expect(layer.nonTrainableWeights.map(({ name }) => name)).toEqual(lora.nonTrainable)
  })
})

function halves(x: Tensor): Tensor {
  return ops.multiply(x, 0.5)
}

describe('LoRA', () => {
  const x = tensor([
    [1, 2],
    [3, -1],
  ])

  it('starts as the layer was, and trains the difference only', () => {
    const layer = layers.dense(2, { useBias: false })
    layer.build([null, 2])
    layer.setWeights([
      [
        [1, 2],
        [3, 4],
      ],
    ])
    layer.enableLora(1, { loraAlpha: 2 })
    expect(layer(x).dataSync()).toEqual(Float32Array.of(7, 10, 0, 2))
    layer.setWeights([
      [
        [1, 2],
        [3, 4],
      ],
      [[1], [0]],
      [[1, 10]],
    ])
    // kernel + 2 / 1 · a · b = [[3, 22], [3, 4]]
    expect(layer(x).dataSync()).toEqual(Float32Array.of(9, 30, 6, 62))
    using tape = new GradientTape()
    const loss = ops.sum(layer(x))
    expect(tape.gradient(loss, layer.trainableVariables).length).toBe(2)
  })

  it('is part of the weight in files', () => {
    const layer = layers.dense(2, { useBias: false, loraRank: 1 })
    layer.build([null, 2])
    layer.setWeights([
      [
        [1, 2],
        [3, 4],
      ],
      [[1], [0]],
      [[1, 10]],
    ])
    const { saveOwnVariables, loadOwnVariables } = layer as unknown as {
      saveOwnVariables(): Record<string, Tensor>
      loadOwnVariables(stored: ReadonlyMap<string, Tensor>): void
    }
    const stored = saveOwnVariables()
    expect(Object.keys(stored)).toEqual(['0'])
    expect(stored['0']?.dataSync()).toEqual(Float32Array.of(2, 12, 3, 4))
    const before = layer(x).dataSync()
    loadOwnVariables(new Map(Object.entries(stored)))
    expect(layer(x).dataSync()).toEqual(before)
    expect(layer.getWeights()[1]?.dataSync()).toEqual(Float32Array.of(0, 0))
  })

  it('needs a built layer without constraint, once', () => {
    expect(() => layers.dense(2).enableLora(1)).toThrow(GraphError)
    const constrained = layers.dense(2, { kernelConstraint: 'max_norm' })
    constrained.build([null, 2])
    expect(() => constrained.enableLora(1)).toThrow(/constraint/)
    const twice = layers.embedding(5, 2, { loraRank: 1, loraAlpha: 4 })
    twice.build()
    expect(twice.getConfig()).toMatchObject({ lora_rank: 1, lora_alpha: 4 })
    expect(() => twice.enableLora(2)).toThrow(/already/)
  })
})

describe('SpectralNormalization', () => {
  it('brings the greatest singular value to 1 in training, and only there', () => {
    const layer = layers.spectralNormalization(layers.dense(2, { useBias: false }), { powerIterations: 30 })
    const x = tensor([[1, 0]])
    layer.build([null, 2])
    layer.setWeights([
      [
        [3, 0],
        [0, 2],
      ],
      [[0.6, 0.8]],
    ])
    expect(layer(x).dataSync()).toEqual(Float32Array.of(3, 0))
    const [y] = layer(x, { training: true }).dataSync()
    expect(y).toBeCloseTo(1, 5)
    expect(Array.from(layer.kernel.dataSync())).toEqual([expect.closeTo(1, 5), 0, 0, expect.closeTo(2 / 3, 5)])
    expect(layer.vectorU.dataSync()[0]).toBeCloseTo(1, 5)
  })

  it('leaves a kernel of zeros', () => {
    const layer = layers.spectralNormalization(layers.dense(2, { kernelInitializer: 'zeros' }))
    expect(layer(tensor([[1, 2]]), { training: true }).dataSync()).toEqual(Float32Array.of(0, 0))
  })

  it('needs a layer with a kernel', () => {
    expect(() => layers.spectralNormalization(layers.relu())(tensor([[1]]))).toThrow(/neither a kernel/)
    expect(() => layers.spectralNormalization(layers.dense(1), { powerIterations: 0 })).toThrow(ValueError)
  })
})

describe('noise', () => {
  const x = ops.ones([64, 50])
  const moments = (y: Tensor): [number, number] => [ops.mean(y).dataSync()[0] as number, ops.std(y).dataSync()[0] as number]

  it('does nothing outside of training', () => {
    for (const layer of [layers.gaussianNoise(0.5), layers.gaussianDropout(0.5), layers.alphaDropout(0.5)])
      expect(layer(x).dataSync()).toEqual(x.dataSync())
  })

  it('GaussianNoise adds, GaussianDropout multiplies', () => {
    const [mean, std] = moments(layers.gaussianNoise(0.3, { seed: 1 })(x, { training: true }))
    expect(mean).toBeCloseTo(1, 1)
    expect(std).toBeCloseTo(0.3, 1)
    const [centre, spread] = moments(layers.gaussianDropout(0.2, { seed: 1 })(ops.multiply(x, 2), { training: true }))
    expect(centre).toBeCloseTo(2, 1)
    expect(spread).toBeCloseTo(1, 1)
  })

  it('AlphaDropout keeps mean and variance of a Gaussian', () => {
    const gaussian = layers.gaussianNoise(1, { seed: 4 })(ops.zeros([200, 100]), { training: true })
    const [mean, std] = moments(layers.alphaDropout(0.3, { seed: 2 })(gaussian, { training: true }))
    expect(Math.abs(mean)).toBeLessThan(0.03)
    expect(Math.abs(std - 1)).toBeLessThan(0.03)
  })

  it('AlphaDropout drops what shares a mask together', () => {
    const y = layers.alphaDropout(0.5, { noiseShape: [null, 1], seed: 2 })(x, { training: true })
    for (const row of y.arraySync() as number[][]) expect(new Set(row).size).toBe(1)
  })

  it('SpatialDropout drops whole channels', () => {
    const y = layers.spatialDropout2d(0.5, { seed: 5 })(ops.ones([4, 3, 3, 6]), { training: true })
    const perChannel = ops.reshape(ops.transpose(y, [0, 3, 1, 2]), [24, 9]).arraySync() as number[][]
    const kinds = new Set(perChannel.map((values) => `${[...new Set(values)]}`))
    expect(kinds).toEqual(new Set(['0', '2']))
  })

  it('refuses strengths that are none', () => {
    expect(() => layers.gaussianNoise(-0.1)).toThrow(ValueError)
    expect(() => layers.gaussianDropout(1)).toThrow(/infinite/)
    expect(() => layers.alphaDropout(1.5)).toThrow(ValueError)
  })
})

describe('Masking', () => {
  it('masks steps that are the value throughout, and clears them', () => {
    const x = tensor([
      [
        [9, 9],
        [9, 1],
        [9, 9],
      ],
    ])
    const y = layers.masking({ maskValue: 9 })(x)
    expect(maskOf(y)?.arraySync()).toEqual([[false, true, false]])
    expect(y.dataSync()).toEqual(Float32Array.of(0, 0, 9, 1, 0, 0))
  })
})

describe('Lambda', () => {
  const x = tensor([[1, 2]])

  it('hands its function arguments, and training and mask if it takes options', () => {
    const scale = (y: Tensor, { by, training }: { by: number; training?: boolean }): Tensor => ops.multiply(y, training ? by : 1)
    const layer = layers.lambda(scale, { arguments: { by: 3 } })
    expect(layer(x, { training: true }).dataSync()).toEqual(Float32Array.of(3, 6))
    expect(layer(x).dataSync()).toEqual(Float32Array.of(1, 2))
    expect(layers.lambda(ops.square)(x).dataSync()).toEqual(Float32Array.of(1, 4))
  })

  it('makes masks as told', () => {
    const layer = layers.lambda(halves, { mask: (inputs) => ops.greater(inputs as Tensor, 1) })
    expect(maskOf(layer(x))?.arraySync()).toEqual([[false, true]])
  })

  it('knows the shape of its output', () => {
    const pairs = (y: Tensor): Tensor => ops.concatenate([y, y], { axis: -1 })
    expect((layers.lambda(pairs)(new KerasTensor([null, 3])) as KerasTensor).shape).toEqual([null, 6])
    expect(layers.lambda(pairs, { outputShape: [8] }).computeOutputShape([null, 4])).toEqual([null, 8])
    expect(layers.lambda(pairs, { outputShape: (shape) => shape }).computeOutputShape([null, 4])).toEqual([null, 4])
  })

  it('is found again by registered names only', () => {
    const config = layers.lambda(halves).getConfig()
    expect(config.function).toMatchObject({ class_name: 'function', config: 'tests>halves' })
    const read =
      (fn: object): (() => layers.Layer) =>
      () =>
        layers.Lambda.fromConfig({ function: fn })
    expect(read({ module: 'builtins', class_name: 'function', config: 'unheard', registered_name: 'function' })).toThrow(/unheard/)
    expect(read({ class_name: '__lambda__', config: { code: 'x' } })).toThrow(SavingError)
    expect(() =>
      layers
        .lambda(
          (
            () => (y: Tensor) =>
              y
          )(),
        )
        .getConfig(),
    ).toThrow(/without a name/)
    expect(getCustomObjects().has('tests>halves')).toBe(true)
  })
})

describe('EinsumDense', () => {
  it('refuses what does not fit', () => {
    expect(() => layers.einsumDense('ab->ac', 3)).toThrow(/no equation/)
    const build =
      (equation: string, shape: number | (number | null)[], biasAxes: string | null = null) =>
      () =>
        layers.einsumDense(equation, shape, { biasAxes }).build([null, 4])
    expect(build('ab,bc->ac', 3, 'z')).toThrow(/axis 'z'/)
    expect(build('ab,cd->ad', 3)).toThrow(/'c' of the kernel/)
    expect(build('ab,bc->ac', [3, 3])).toThrow(ShapeError)
    expect(build('abc,cd->abd', [null, 3])).toThrow(/axes of the equation/)
    expect(build('ab,bc->ab', 7)).toThrow(/one size in the input/)
  })

  it('draws its kernel with the fans of the equation', () => {
    const layer = layers.einsumDense('abc,cde->abde', [null, 8, 8], { kernelInitializer: 'he_uniform' })
    layer.build([null, 5, 6])
    const bound = Math.sqrt(6 / 6)
    const largest = Math.max(...Array.from(layer.kernel.dataSync(), Math.abs))
    expect(largest).toBeLessThanOrEqual(bound)
    expect(largest).toBeGreaterThan(bound * 0.9)
  })
})

describe('bad options', () => {
  it('are named', () => {
    expect(() => layers.conv2dTranspose(2, 3, { strides: 2, outputPadding: 2 })).toThrow(/outputPadding/)
    expect(() => layers.conv1dTranspose(2, 3, { padding: 'causal' as 'same' })).toThrow(/padding/)
    expect(() => layers.conv3d(2, 3, { strides: 2, dilationRate: 2 })).toThrow(/dilation/)
    expect(() => layers.groupNormalization({ groups: 0 })).toThrow(ValueError)
    expect(() => layers.groupNormalization()(ops.ones([1, 4]))).toThrow(/32 groups/)
    expect(() => layers.groupNormalization({ groups: 3 })(ops.ones([1, 4]))).toThrow(/groups=3, 4 channels/)
    expect(() => layers.layerNormalization({ axis: 'last' as unknown as number })).toThrow(ValueError)
    expect(() => layers.layerNormalization({ axis: 3 })(ops.ones([1, 4]))).toThrow()
    expect(() => layers.cropping1d([2, 2])(ops.ones([1, 4, 1]))).toThrow(/nothing is left/)
    expect(() => layers.cropping2d([1, 2, 3])).toThrow(/2 entries/)
    expect(() => layers.zeroPadding3d([1, 2])).toThrow(/3 entries/)
    expect(() => layers.zeroPadding1d(-1)).toThrow(/at least 0/)
    expect(() => layers.repeatVector(0)).toThrow(ValueError)
    expect(() => layers.upSampling2d(2, { interpolation: 'cubist' as 'nearest' })).toThrow(/bilinear/)
    expect(() => layers.adaptiveMaxPooling2d([1, 2, 3])).toThrow(/outputSize/)
    expect(() => layers.prelu({ sharedAxes: 0 })(ops.ones([1, 2]))).toThrow(/axis 0 is the batch/)
    expect(() => layers.prelu()(new KerasTensor([null, null, 3]))).toThrow(/axis 1/)
    expect(() => layers.softmax()(ops.ones([2, 3]), { mask: ops.ones([2, 4], 'bool') })).toThrow(/does not broadcast/)
    expect(() => new layers.Wrapper('dense' as unknown as layers.Layer)).toThrow(/needs a layer/)
  })
})

describe('other names', () => {
  it('are the same classes', () => {
    expect(layers.Convolution2D).toBe(layers.Conv2D)
    expect(layers.Convolution3DTranspose).toBe(layers.Conv3DTranspose)
    expect(layers.SeparableConvolution1D).toBe(layers.SeparableConv1D)
    expect(layers.AvgPool3D).toBe(layers.AveragePooling3D)
    expect(layers.GlobalMaxPool1D).toBe(layers.GlobalMaxPooling1D)
    expect(layers.maxPool2d(2)).toBeInstanceOf(layers.MaxPooling2D)
  })
})
