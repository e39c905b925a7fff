// reconstructPatches is newer than the Keras that makes the vectors: it must undo extractPatches.
import { beforeAll, expect, it } from 'vitest'
import { setBackend } from '../../backends/load.js'
import { tensor } from '../../engine/index.js'
import * as image from './index.js'

beforeAll(() => setBackend('host'))

const counted = (shape: number[]) =>
  tensor(
    Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i),
    shape,
    'float32',
  )

it.each([
  { shape: [2, 6, 4, 3], size: [3, 2], output: [6, 4] },
  { shape: [6, 4, 3], size: 2, output: [6, 4] },
  { shape: [2, 7, 5, 3], size: 3, output: [7, 5], padding: 'same' },
  { shape: [2, 3, 7, 5], size: [3, 2], output: [7, 5], padding: 'same', dataFormat: 'channels_first' },
  { shape: [1, 4, 6, 2, 2], size: [2, 3, 1], output: [4, 6, 2] },
  { shape: [2, 4, 6, 2], size: [2, 3, 1], output: [4, 6, 2], dataFormat: 'channels_first' },
] as const)('$shape in patches of $size and back', ({ shape, size, output, ...options }) => {
  const x = counted([...shape])
  const back = image.reconstructPatches(image.extractPatches(x, { size, ...options }), { size, outputSize: output, ...options })
  expect(back.shape).toEqual(shape)
  expect(back.dataSync()).toEqual(x.dataSync())
})

it('refuses patches that overlap or do not make up the output', () => {
  expect(() => image.reconstructPatches(counted([1, 2, 2, 4]), 2, [4, 4], 1)).toThrow(/overlap/)
  expect(() => image.reconstructPatches(counted([1, 2, 2, 4]), 2, [5, 4])).toThrow(/do not make up/)
})
