/** Dense layers, embeddings, activations, and what wraps or passes on. */
import { registerKerasSerializable } from '../../../core/custom-objects.js'
import type { Tensor } from '../../../engine/index.js'
import * as ops from '../../../ops/index.js'
import * as layers from '../../index.js'
import type { LayerCases } from '../layer-case.js'

const steps = [2, 5, 3]
const kernel = { trainable: ['kernel', 'bias'] }
const words = { input: [2, 5], inputDtype: 'int32' } as const

const halves = registerKerasSerializable('harness')(function halves(x: Tensor): Tensor {
  return ops.multiply(x, 0.5)
})

/** A wrapper of one's own: `Wrapper` itself computes nothing. */
class Residual extends layers.Wrapper {
  override call(x: Tensor): Tensor {
    return ops.add(x, this.layer(x))
  }
}
registerKerasSerializable('harness')(Residual)

export const core: LayerCases = {
  Dense: {
    make: (o) => layers.dense(3, { activation: 'tanh', kernelRegularizer: 'l2', ...o }),
    input: [2, 4],
    output: [2, 3],
    known: [-1],
    losses: 1,
    ...kernel,
    passesMask: true,
  },
  'Dense on steps': {
    make: (o) => layers.dense(3, { useBias: false, ...o }),
    input: steps,
    output: [2, 5, 3],
    known: [-1],
    trainable: ['kernel'],
    passesMask: true,
  },
  'Dense with LoRA': {
    make: (o) => layers.dense(3, { loraRank: 2, ...o }),
    input: [2, 4],
    output: [2, 3],
    known: [-1],
    trainable: ['bias', 'lora_kernel_a', 'lora_kernel_b'],
    nonTrainable: ['kernel'],
    passesMask: true,
  },
  EinsumDense: {
    make: (o) => layers.einsumDense('abc,cde->abde', [null, 2, 5], { biasAxes: 'e', ...o }),
    input: steps,
    output: [2, 5, 2, 5],
    known: [-1],
    ...kernel,
  },
  Embedding: {
    make: (o) => layers.embedding(3, 4, { embeddingsRegularizer: 'l1', ...o }),
    ...words,
    output: [2, 5, 4],
    trainable: ['embeddings'],
    losses: 1,
  },
  ReversibleEmbedding: { make: (o) => layers.reversibleEmbedding(3, 4, o), ...words, output: [2, 5, 4], trainable: ['embeddings'] },
  Identity: { make: (o) => layers.identity(o), input: steps, output: steps, passesMask: true },
  Masking: { make: (o) => layers.masking({ maskValue: 2, ...o }), input: steps, output: steps, passesMask: true },
  Lambda: { make: (o) => layers.lambda(halves, o), input: steps, output: steps, builtWhenMade: false },
  'Wrapper of one’s own': {
    make: ({ dtype, ...o }) => new Residual(layers.dense(3, { name: 'inner', dtype }), { dtype, ...o }),
    input: steps,
    output: steps,
    known: [-1],
    ...kernel,
  },
}

export const activations: LayerCases = {
  Activation: { make: (o) => layers.activation('gelu', o), input: steps, output: steps, passesMask: true },
  ReLU: {
    make: (o) => layers.relu({ maxValue: 6, negativeSlope: 0.1, threshold: 0.2, ...o }),
    input: steps,
    output: steps,
    passesMask: true,
  },
  LeakyReLU: { make: (o) => layers.leakyRelu({ negativeSlope: 0.2, ...o }), input: steps, output: steps, passesMask: true },
  ELU: { make: (o) => layers.elu({ alpha: 0.5, ...o }), input: steps, output: steps, passesMask: true },
  PReLU: {
    make: (o) => layers.prelu({ sharedAxes: [1], ...o }),
    input: steps,
    output: steps,
    known: [-1],
    trainable: ['alpha'],
    passesMask: true,
  },
  Softmax: {
    make: (o) => layers.softmax({ axis: [1, 2], ...o }),
    input: steps,
    output: steps,
    maskShape: [2, 5, 3],
    passesMask: true,
    readsMask: true,
  },
}
