/** A program that saves other models to the same place, again and again, until it is killed. Run: PATH ZIPPED */
import { createHostBackend } from '../../backends/host/index.js'
import { tensor, useBackend } from '../../engine/index.js'
import { dense, Input } from '../../layers/index.js'
import { Sequential } from '../index.js'

const [path, zipped] = process.argv.slice(2) as [string, string]
useBackend(createHostBackend())
const isWhole = zipped === 'false' || /(\.keras|model\.h5)$/.test(path)
for (let count = 0; ; count++) {
  // Weights alone are loaded into a model that must fit; whole models are different each time.
  const units = isWhole ? 1 + (count % 7) : 5
  const depth = isWhole ? 1 + (count % 3) : 3
  const model = new Sequential([Input({ shape: [200] }), ...Array.from({ length: depth }, () => dense(units))])
  const value = isWhole ? units : 1 + (count % 9)
  for (const variable of model.weights)
    variable.assign(tensor(new Float32Array(variable.shape.reduce((a, b) => a * b, 1)).fill(value), variable.shape))
  if (isWhole) await model.save(path, { zipped: zipped === 'true' })
  // A kernel of 4 KB goes into each shard.
  else await model.saveWeights(path, path.endsWith('.weights.json') ? { maxShardSize: 4200 / 2 ** 30 } : {})
  process.stdout.write('.')
}
