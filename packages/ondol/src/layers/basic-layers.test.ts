/** What is particular to convolutions, pools, normalisations, noise, reshaping and core layers. */
import { describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { getCustomObjects, registerKerasSerializable } from '../core/custom-objects.js'
import { GraphError, SavingError, ShapeError, ValueError } from '../core/errors.js'
import { GradientTape, type Tensor, tensor, useBackend } from '../engine/index.js'
import * as ops from '../ops/index.js'
import { KerasTensor } from '../ops/operation.js'
import * as layers from './index.js'
import { maskOf } from './masks.js'

useBackend(createHostBackend())

function halves(x: Tensor): Tensor {
  return ops.multiply(x, 0.5)
}
registerKerasSerializable('tests')(halves)

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
