/** The training steps that are compared, and the single kernels beside them. */

/**
 * `title` for the table; `maxSteps`: the most steps of one turn, 100 unless said; `together`: how many contestants may live at once, because each keeps gigabytes;
 * `skip`: contestants that need minutes to compile the model or hours to run it.
 */
export const MODELS = {
  mlp: { title: 'mlp: 784-512-512-10, dropout .2, Adam, batch 128' },
  convnet: { title: 'convnet: 28x28x1, two convolutions, dropout .5, Adam, batch 128' },
  lstmqa: { title: 'lstmqa: two inputs of 100 words, embedding, LSTM 32, RMSprop, batch 128' },
  densenet: {
    title: 'densenet: DenseNet-BC 100-12 on 32x32x3, SGD Nesterov, batch 64',
    together: 4,
    skip: ['torch compile', 'tfjs cpu', 'tfjs wasm'],
  },
  tiny: { title: 'tiny: 8-16-4, SGD, batch 32 (overhead of a step)', maxSteps: 1000 },
}

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
