/** Channels first becomes channels last inside: how many transposes are left, and that values stay. */
import { expect, it } from 'vitest'
import { createHostBackend } from '../../backends/host/index.js'
import * as ops from '../../ops/index.js'
import { useBackend } from '../backend.js'
import { jit } from '../jit.js'
import { type Tensor, tensor } from '../tensor.js'

useBackend(createHostBackend())

const wave = (shape: number[]): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i)),
    shape,
  )
const FIRST = { dataFormat: 'channels_first', padding: 'same' } as const
const count = (text: string, what: RegExp): number => text.split('\n').filter((line) => what.test(line)).length

const [x, kernel, bias] = [wave([2, 3, 4, 5]), wave([3, 3, 3, 3]), wave([3, 1, 1])]
const layer = (y: Tensor): Tensor => ops.relu(ops.add(ops.conv(y, kernel, FIRST), bias))

it('leaves two transposes around a chain of convolutions, biases, activations and pools', () => {
  const text = jit((y: Tensor) => ops.maxPool(ops.add(layer(layer(y)), layer(y)), { poolSize: 2, dataFormat: 'channels_first' })).inspect(x)
  expect(count(text, /= transpose/)).toBe(2)
  expect(text).not.toContain('channelsFirst')
})

it('leaves one where the means of the channels are taken', () => {
  const text = jit((y: Tensor) => ops.mean(layer(y), { axis: [2, 3] })).inspect(x)
  expect(count(text, /= transpose/)).toBe(1)
})

it('joins along the channels without more', () => {
  const text = jit((y: Tensor) => layer2(ops.concatenate([layer(y), layer(y)], { axis: 1 }))).inspect(x)
  expect(count(text, /= transpose/)).toBe(2)
})
const layer2 = (y: Tensor): Tensor => ops.conv(y, wave([1, 1, 6, 2]), FIRST)

it('gives the values that channels last gives', () => {
  const last = (y: Tensor): Tensor => ops.transpose(y, [0, 2, 3, 1])
  const expected = ops.relu(ops.add(ops.conv(last(x), kernel, { padding: 'same' }), ops.reshape(bias, [3])))
  const actual = jit(layer)(x)
  expect(actual.shape).toEqual([2, 3, 4, 5])
  const values = last(actual).dataSync()
  expected.dataSync().forEach((value, i) => expect(values[i]).toBeCloseTo(value, 5))
})
