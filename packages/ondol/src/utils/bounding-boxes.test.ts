// The functions of bounding boxes against the real Keras (tools/oracle/layers_image.py).
import { beforeAll, describe, expect, it } from 'vitest'
import { setBackend } from '../backends/load.js'
import { toCamelCase } from '../core/spelling.js'
import { Tensor, tensor } from '../engine/index.js'
import { elements, isVectorTensor, readVectors, type VectorTensor } from '../testing/vectors.js'
import * as boundingBoxes from './bounding-boxes.js'

interface Vector {
  readonly function: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly output: unknown
}

function decode(value: unknown): unknown {
  if (isVectorTensor(value)) return tensor(elements(value), value.shape, value.dtype)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [toCamelCase(key), decode(item)]))
}

function expectSame(actual: unknown, expected: unknown): void {
  if (!isVectorTensor(expected)) {
    for (const [key, item] of Object.entries(expected as object)) expectSame((actual as Record<string, unknown>)[key], item)
    return
  }
  if (!(actual instanceof Tensor)) throw new Error(`no tensor, but ${String(actual)}`)
  expect(actual.shape).toEqual(expected.shape)
  expect(actual.dtype).toBe(expected.dtype)
  const wanted = elements(expected as VectorTensor)
  actual.dataSync().forEach((value, i) => {
    expect(Math.abs(Number(value) - Number(wanted[i])), `[${i}]: ${value} instead of ${wanted[i]}`).toBeLessThanOrEqual(
      1e-5 * Math.max(1, Math.abs(Number(wanted[i]))),
    )
  })
}

describe('boundingBoxes', () => {
  beforeAll(() => setBackend('host'))

  const vectors = readVectors<Vector[]>('bounding-boxes')
  it.each(vectors.map((vector, i) => [`${i} ${vector.function} ${vector.args.slice(1, 3)}`, vector] as const))('%s', (_, vector) => {
    const call = (boundingBoxes as unknown as Record<string, (...args: unknown[]) => unknown>)[toCamelCase(vector.function)]
    const kwargs = decode(vector.kwargs) as object
    expectSame(call?.(...vector.args.map(decode), ...(Object.keys(kwargs).length > 0 ? [kwargs] : [])), vector.output)
  })

  it('says what is wrong', () => {
    expect(() => boundingBoxes.convertFormat([[1, 2, 3, 4]], 'xyxy', 'xyz')).toThrow(/unknown format of boxes.*rel_center_xywh/s)
    expect(() => boundingBoxes.convertFormat([[1, 2, 3, 4]], 'xyxy', 'rel_xyxy')).toThrow(/size of the image/)
    expect(() => boundingBoxes.convertFormat([[1, 2, 3]], 'xyxy', 'xywh')).toThrow(/no boxes/)
    expect(() => boundingBoxes.computeIou([1, 2, 3, 4], [[1, 2, 3, 4]], 'xyxy')).toThrow(/lists of boxes/)
    expect(() => boundingBoxes.crop([[1, 2, 3, 4]], 0, 0, 4, 4, { boundingBoxFormat: 'xywh' })).toThrow(/convertFormat/)
  })
})
