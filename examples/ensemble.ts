/**
 * Four different classifiers know more together than the best of them alone.
 *
 * What to learn here:
 * - Networks of different kinds make different mistakes: dense layers, convolutions, separable convolutions, and an LSTM
 *   that reads a picture row by row.
 * - The weights of their votes are learnt, too: by gradient descent on validation data that none of them has seen, with a
 *   `GradientTape` in a function that `jit` compiles.
 * - It pays only as long as none is far worse than the rest; a useless one gets a weight near 0.
 */
import { GradientTape, Input, jit, layers, type Model, ops, optimizers, Sequential, type Tensor, utils, Variable } from 'ondol'
import { loadClothes, type Pictures } from './support/clothes.js'
import { isShort, report } from './support/example.js'

utils.setRandomSeed(1)
const relu = { activation: 'relu' } as const
const answer = () => layers.dense(10, { activation: 'softmax' })
const picture = () => Input({ shape: [28, 28, 1] })

const classifiers: Readonly<Record<string, Model>> = {
  dense: new Sequential([picture(), layers.flatten(), layers.dense(256, relu), layers.dropout(0.3), layers.dense(128, relu), answer()]),
  convolutions: new Sequential([
    picture(),
    layers.conv2d(32, 3, relu),
    layers.maxPooling2d(),
    layers.conv2d(64, 3, relu),
    layers.maxPooling2d(),
    layers.flatten(),
    layers.dropout(0.4),
    answer(),
  ]),
  separable: new Sequential([
    picture(),
    layers.conv2d(32, 3, { ...relu, strides: 2 }),
    layers.separableConv2d(64, 3, relu),
    layers.batchNormalization(),
    layers.separableConv2d(128, 3, relu),
    layers.globalAveragePooling2d(),
    answer(),
  ]),
  lstm: new Sequential([picture(), layers.reshape([28, 28]), layers.lstm(64), answer()]),
}

const { train: all, test } = await loadClothes(isShort ? { train: 1500, test: 500 } : { train: 24_000, test: 5000 })
const held = isShort ? 500 : 4000
const count = (all.x.shape[0] as number) - held
const part = ({ x, y }: Pictures, from: number, size: number): Pictures => ({
  x: ops.slice(x, [from, 0, 0, 0], [size, 28, 28, 1]),
  y: ops.slice(y, [from], [size]),
})
const [train, validation] = [part(all, 0, count), part(all, count, held)]

const accuracies: number[] = []
const votes: { validation: Tensor[]; test: Tensor[] } = { validation: [], test: [] }
for (const [name, model] of Object.entries(classifiers)) {
  model.compile({ optimizer: 'adam', loss: 'sparse_categorical_crossentropy', metrics: ['accuracy'] })
  await model.fit(train.x, train.y, { epochs: isShort ? 2 : 5, batchSize: 64, verbose: 0 })
  const { accuracy } = await model.evaluate(test.x, test.y, { returnDict: true, verbose: 0 })
  accuracies.push(accuracy as number)
  console.log(
    `${name.padEnd(13)} ${model.countParams().toLocaleString('en').padStart(8)} parameters, test accuracy ${accuracy?.toFixed(4)}`,
  )
  votes.validation.push((await model.predict(validation.x, { verbose: 0, batchSize: 500 })) as Tensor)
  votes.test.push((await model.predict(test.x, { verbose: 0, batchSize: 500 })) as Tensor)
}

// Softmax of four free numbers: weights that are positive and add up to 1.
const free = new Variable(ops.zeros([4]), { name: 'votes' })
const weighted = (of: Tensor): Tensor => ops.einsum('m,mnc->nc', ops.softmax(free), of)
const optimizer = new optimizers.Adam({ learningRate: 0.05 })
const known = ops.oneHot(validation.y, 10)
const step = jit((of: Tensor): Tensor => {
  using tape = new GradientTape()
  const loss = ops.mean(ops.categoricalCrossentropy(known, weighted(of)))
  optimizer.applyGradients([[tape.gradient(loss, free), free]])
  return loss
})
const stacked = ops.stack(votes.validation)
const equal = Number(await step(stacked).item())
let loss = equal
for (let i = 0; i < 300; i++) loss = Number(await step(stacked).item())
const weights = Array.from(await ops.softmax(free).data())
console.log(`\nLoss on validation data: ${equal.toFixed(4)} with equal votes, ${loss.toFixed(4)} with these:`)
console.log(
  Object.keys(classifiers)
    .map((name, i) => `${name} ${weights[i]?.toFixed(2)}`)
    .join(', '),
)

const right = ops.equal(ops.argmax(weighted(ops.stack(votes.test)), { axis: -1 }), ops.cast(test.y, 'int32'))
const together = Number(await ops.mean(ops.cast(right, 'float32')).item())
console.log(`\nTest accuracy: the best alone ${Math.max(...accuracies).toFixed(4)}, together ${together.toFixed(4)}`)

report({ accuracies, weights, validationLosses: [equal, loss], best: Math.max(...accuracies), together })
