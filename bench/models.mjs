/** What is compared: training steps, predictions, and the single kernels beside them. contestants/*_models.* build the models. */

/** TensorFlow.js has no gradients of convolutions on WASM, and needs minutes for a step without. */
const TOO_MUCH_FOR_TFJS = ['tfjs cpu', 'tfjs wasm']

/**
 * `title` for the table; `maxSteps`: the most steps of one turn, 100 unless said; `together`: how many contestants may live at once, because each keeps gigabytes;
 * `skip`: contestants that need minutes to compile the model or hours to run it.
 */
const TRAINING = {
  mlp: { title: 'mlp: 784-512-512-10, dropout .2, Adam, batch 128' },
  convnet: { title: 'convnet: 28x28x1, two convolutions, dropout .5, Adam, batch 128' },
  lstmqa: { title: 'lstmqa: two inputs of 100 words, embedding, LSTM 32, RMSprop, batch 128' },
  densenet: {
    title: 'densenet: DenseNet-BC 100-12 on 32x32x3, SGD Nesterov, batch 64',
    together: 4,
    skip: ['torch compile', 'tfjs cpu', 'tfjs wasm'],
  },
  tiny: { title: 'tiny: 8-16-4, SGD, batch 32 (overhead of a step)', maxSteps: 1000 },
  sepconv: { title: 'sepconv: six separable convolutions on 64x64x3, RMSprop, batch 64', skip: TOO_MUCH_FOR_TFJS },
  bhc: { title: 'bhc: nine squeeze-and-excitation blocks of 1x3 and 3x1 on 64x64x3, SGD, batch 32', skip: TOO_MUCH_FOR_TFJS },
  bhc_first: { title: 'bhc_first: the same with channels first', skip: TOO_MUCH_FOR_TFJS },
  conv1d: {
    title: 'conv1d: embedding 50000x256, five convolutions over 500 words, three outputs, RMSprop, batch 32',
    together: 5,
    skip: TOO_MUCH_FOR_TFJS,
  },
  resnet50: {
    title: 'resnet50: 224x224x3, SGD momentum, batch 16',
    together: 3,
    skip: [...TOO_MUCH_FOR_TFJS, 'torch compile', 'ondol wasm'],
  },
}

/** Predictions of one sample and of 32. */
const PREDICTED = ['convnet', 'sepconv', 'bhc', 'conv1d', 'resnet50']
const predictions = PREDICTED.flatMap((model) =>
  [1, 32].map((predict) => [
    `${model}_predict_${predict}`,
    { title: `${model}, prediction, batch ${predict}`, model, predict, maxSteps: 500, skip: TRAINING[model].skip ?? TOO_MUCH_FOR_TFJS },
  ]),
)

/** `model` and `predict` as a contestant is asked for them, where they are not a training step of the same name. */
export const MODELS = { ...TRAINING, ...Object.fromEntries(predictions) }

/** Requests of single kernels with their arithmetic in FLOP. */
export const PROBES = {
  'matmul 1024x1024x1024': matmul(1024, 1024, 1024),
  'matmul 128x784x512': matmul(128, 784, 512),
  'conv 128x13x13x32, 64 3x3': conv([128, 13, 13, 32], 64, 3),
  'conv 64x32x32x48, 12 3x3': conv([64, 32, 32, 48], 12, 3),
}

function matmul(m, k, n) {
  return { request: { probe: 'matmul', m, k, n }, flop: 2 * m * k * n }
}

/** A convolution with stride 1 and padding `same`, batch and channels as in `shape`. */
function conv(shape, filters, kernel) {
  return { request: { probe: 'conv', shape, filters, kernel }, flop: 2 * shape.reduce((a, b) => a * b) * filters * kernel * kernel }
}
