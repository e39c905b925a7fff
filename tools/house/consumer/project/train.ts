/** A stranger's program: trains a small classifier and prints what came out. */
import { getBackend, layers, Sequential, type Tensor, tensor } from 'ondol'

const points: number[][] = []
const labels: number[] = []
for (let i = 0; i < 256; i++) {
  const angle = (i * 2.399963) % (2 * Math.PI)
  const radius = i % 2 === 0 ? 0.5 : 1.5
  points.push([radius * Math.cos(angle), radius * Math.sin(angle)])
  labels.push(i % 2)
}
const x: Tensor = tensor(points)
const y: Tensor = tensor(labels, [256], 'int32')

const model = new Sequential([layers.dense(32, { activation: 'relu' }), layers.dense(2, { activation: 'softmax' })])
model.compile({ optimizer: 'adam', loss: 'sparse_categorical_crossentropy', metrics: ['accuracy'] })
const history = await model.fit(x, y, { epochs: 60, batchSize: 16, verbose: 0 })
const accuracy: number | undefined = history.history.accuracy?.at(-1)
const prediction = (await model.predict(x)) as Tensor
const { sharedObjects } = process.report.getReport() as unknown as { sharedObjects: string[] }
const libraries = sharedObjects.filter((path) => /dnnl|gomp|ondol/.test(path))
console.log(JSON.stringify({ backend: getBackend(), accuracy, shape: prediction.shape, libraries }))
