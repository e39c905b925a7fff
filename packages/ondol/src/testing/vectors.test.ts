import { readdirSync, statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { elements, readVectors, type VectorTensor } from './vectors.js'

const folder = new URL('./vectors/', import.meta.url)
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.replaceAll('\\', '/').slice(0, -'.json'.length))

const isTensor = (value: object): value is VectorTensor => 'dtype' in value && 'shape' in value && 'data' in value

function* tensorsIn(value: unknown): Generator<VectorTensor> {
  if (typeof value !== 'object' || value === null) return
  if (isTensor(value)) yield value
  else for (const part of Object.values(value)) yield* tensorsIn(part)
}

describe('the vectors from Keras', () => {
  it.each(files)('%s holds as many elements as its shapes say', (name) => {
    for (const tensor of tensorsIn(readVectors(name))) {
      expect(elements(tensor).length).toBe(tensor.shape.reduce((product, size) => product * size, 1))
    }
  })

  it('stay small enough for a repository', () => {
    const bytes = files.reduce((sum, name) => sum + statSync(new URL(`${name}.json`, folder)).size, 0)
    expect(bytes).toBeLessThan(8e6)
  })

  it('read base64 and plain numbers alike', () => {
    const plain: VectorTensor = { dtype: 'float32', shape: [2], data: [0.5, -2] }
    const packed: VectorTensor = { dtype: 'float32', shape: [2], data: Buffer.from(new Float32Array([0.5, -2]).buffer).toString('base64') }
    expect(elements(packed)).toEqual(elements(plain))
    expect([...elements({ dtype: 'bool', shape: [2], data: [true, false] })]).toEqual([1, 0])
  })
})
