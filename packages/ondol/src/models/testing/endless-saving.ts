/** A program that saves other models to the same place, again and again, until it is killed. Run: PATH ZIPPED */
import { createHostBackend } from '../../backends/host/index.js'
import { tensor, useBackend } from '../../engine/index.js'
import { dense, Input } from '../../layers/index.js'
import { Sequential } from '../index.js'

const [path, zipped] = process.argv.slice(2) as [string, string]
useBackend(createHostBackend())
for (let count = 0; ; count++) {
  const units = 1 + (count % 7)
  const model = new Sequential([Input({ shape: [200] }), ...Array.from({ length: 1 + (count % 3) }, () => dense(units))])
  for (const variable of model.weights)
    variable.assign(tensor(new Float32Array(variable.shape.reduce((a, b) => a * b, 1)).fill(units), variable.shape))
  await model.save(path, { zipped: zipped === 'true' })
  process.stdout.write('.')
}
