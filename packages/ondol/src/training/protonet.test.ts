/**
 * Few-shot learning with prototypical networks (Snell et al. 2017): a functional encoder inside a subclassed model,
 * trained step by step with a tape. The same network in Keras on TensorFlow gave the losses.
 */
import { describe, expect, it } from 'vitest'
import { GradientTape, Input, jit, layers, Model, metrics, ops, optimizers, Sequential, type Tensor, tensor } from '../index.js'
import { elements, readVectors, type VectorTensor } from '../testing/vectors.js'

interface ProtonetVector {
  readonly title: 'residual' | 'plain'
  readonly weights: readonly VectorTensor[]
  readonly support: VectorTensor
  readonly query: VectorTensor
  readonly steps: readonly {
    readonly loss: number
    readonly accuracy: number
    readonly meanLoss: number
    readonly meanAccuracy: number
  }[]
}

function residualEncoder(shape: readonly number[], filters = [4, 5, 6, 8], dilations = [1, 2, 4]): Model {
  const inputs = Input({ shape })
  let x = layers.conv2d(filters[0] as number, [3, 1])(inputs)
  dilations.forEach((dilation, i) => {
    const count = filters[i + 1] as number
    const options = { padding: 'same', dilationRate: [dilation, 1] } as const
    let y = layers.conv2d(count, [9, 1], options)(x)
    y = layers.relu()(layers.batchNormalization()(y))
    y = layers.conv2d(count, [9, 1], options)(y)
    y = layers.batchNormalization()(y)
    const shortcut = layers.relu()(layers.batchNormalization()(layers.conv2d(count, 1)(x)))
    x = layers.relu()(layers.add([y, shortcut]))
  })
  return new Model({ inputs, outputs: layers.flatten()(layers.averagePooling2d([2, 1])(x)) })
}

function plainEncoder(shape: readonly number[], filters = 4): Model {
  const block = () => [layers.conv2d(filters, 3, { padding: 'same' }), layers.batchNormalization(), layers.relu(), layers.maxPooling2d(2)]
  return new Sequential([Input({ shape }), ...block(), ...block(), ...block(), ...block(), layers.flatten()])
}

class Prototypical extends Model {
  constructor(readonly encoder: Model) {
    super()
  }

  override call(support: Tensor, query: Tensor): [loss: Tensor, accuracy: Tensor] {
    const [ways, shots, ...shape] = support.shape as [number, number, ...number[]]
    const queries = query.shape[1] as number
    const z = this.encoder(ops.concatenate([ops.reshape(support, [-1, ...shape]), ops.reshape(query, [-1, ...shape])], { axis: 0 }))
    const [size] = z.shape.slice(1) as [number]
    const prototypes = ops.mean(ops.reshape(ops.slice(z, [0, 0], [ways * shots, size]), [ways, shots, size]), { axis: 1 })
    const embedded = ops.slice(z, [ways * shots, 0], [ways * queries, size])
    const distances = ops.sum(ops.square(ops.subtract(ops.expandDims(embedded, 1), ops.expandDims(prototypes, 0))), { axis: 2 })
    const logP = ops.reshape(ops.logSoftmax(ops.negative(distances), { axis: -1 }), [ways, queries, ways])
    const target = ops.tile(ops.expandDims(ops.cast(ops.arange(ways), 'int32'), 1), [1, queries])
    const loss = ops.negative(ops.mean(ops.sum(ops.multiply(logP, ops.oneHot(target, ways)), { axis: -1 })))
    const accuracy = ops.mean(ops.cast(ops.equal(ops.argmax(logP, { axis: -1 }), target), 'float32'))
    return [loss, accuracy]
  }
}

const zip = <A, B>(a: readonly A[], b: readonly B[]): (readonly [A, B])[] => a.map((item, i) => [item, b[i] as B] as const)
const toTensor = (vector: VectorTensor): Tensor => tensor(elements(vector), vector.shape)

describe.each(readVectors<ProtonetVector[]>('protonet'))(
  'a prototypical network, $title encoder',
  ({ title, weights, support, query, steps }) => {
    for (const mode of ['eagerly', 'compiled'] as const) {
      it(`learns as with TensorFlow, ${mode}`, async () => {
        const shape = support.shape.slice(3)
        const encoder = title === 'residual' ? residualEncoder(shape) : plainEncoder(shape)
        encoder.setWeights(weights.map(toTensor))
        const model = new Prototypical(encoder)
        const optimizer = new optimizers.Adam({ learningRate: 0.005 })
        const [trainLoss, trainAccuracy] = [new metrics.Mean({ name: 'train_loss' }), new metrics.Mean({ name: 'train_accuracy' })]

        function trainStep(support: Tensor, query: Tensor): [Tensor, Tensor] {
          using tape = new GradientTape()
          const [loss, accuracy] = model(support, query, { training: true })
          const gradients = tape.gradient(loss, model.trainableVariables)
          optimizer.applyGradients(zip(gradients, model.trainableVariables))
          trainLoss(loss)
          trainAccuracy(accuracy)
          return [loss, accuracy]
        }

        const step = mode === 'eagerly' ? trainStep : jit(trainStep)
        const episodes = (all: VectorTensor): Tensor[] =>
          ops.split(toTensor(all), all.shape[0] as number, { axis: 0 }).map((episode) => ops.squeeze(episode, 0))
        const [supports, queries] = [episodes(support), episodes(query)]
        for (const [i, expected] of steps.entries()) {
          const [loss, accuracy] = step(supports[i] as Tensor, queries[i] as Tensor)
          const found = await Promise.all([loss, accuracy, trainLoss.result(), trainAccuracy.result()].map((value) => value.item()))
          const wanted = [expected.loss, expected.accuracy, expected.meanLoss, expected.meanAccuracy]
          found.forEach((value, j) => expect(Math.abs(value - (wanted[j] as number))).toBeLessThan(1e-4))
        }
      })
    }
  },
)
