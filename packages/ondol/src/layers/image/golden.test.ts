// What transformations do to images, labels, masks and boxes, against the real Keras on every backend (tools/oracle/layers_image.py).
import { describe, expect, it } from 'vitest'
import { setBackend } from '../../backends/load.js'
import { toCamelCase } from '../../core/spelling.js'
import { GradientTape, type Tensor, tensor } from '../../engine/index.js'
import * as ops from '../../ops/index.js'
import { elements, isVectorTensor, listVectors, readVectors, type VectorTensor } from '../../testing/vectors.js'
import { backends } from '../../training/testing/backends.js'
import { CenterCrop, deserialize, RandomColorJitter, RandomRotation, Resizing } from '../index.js'
import type { SerializedLayer } from '../sharing.js'
import type { ImageLayer } from './base.js'
import type { BoundingBoxes } from './boxes.js'

interface Vector {
  readonly title: string
  readonly serialized: SerializedLayer
  readonly transformation: unknown
  readonly images: VectorTensor
  readonly output: VectorTensor
  /** Those of sum(output * cotangent) by the images; null where Keras's is NaN. */
  readonly cotangent: VectorTensor
  readonly gradient: VectorTensor | null
  readonly masks?: VectorTensor
  readonly masksOutput?: VectorTensor
  readonly labels?: VectorTensor
  readonly labelsOutput?: VectorTensor
  readonly boxes?: Readonly<Record<string, VectorTensor>>
  readonly boxesOutput?: Readonly<Record<string, VectorTensor>>
}

const load = (stored: VectorTensor): Tensor => tensor(elements(stored), stored.shape, stored.dtype)

/** Transformations as Keras describes them: records of tensors and numbers. `more` are members that Keras's lack. */
function decode(value: unknown, more: object = {}): unknown {
  if (isVectorTensor(value)) return load(value)
  if (Array.isArray(value)) return value.map((item) => decode(item, more))
  if (typeof value !== 'object' || value === null) return value
  return { ...more, ...Object.fromEntries(Object.entries(value).map(([key, item]) => [toCamelCase(key), decode(item, more)])) }
}

/** What the layer in the vector does. */
function transformationOf(layer: ImageLayer<unknown>, vector: Vector): unknown {
  // Keras's does not know the shape that a rotation was drawn for.
  const decoded = decode(vector.transformation, { inputShape: vector.images.shape })
  if (!(layer instanceof RandomColorJitter)) return decoded
  const inner = [layer.randomBrightness, layer.randomContrast, layer.randomSaturation, layer.randomHue].filter((each) => each !== null)
  return inner.map((each, i) => [each, (decoded as unknown[])[i]])
}

/** Within 2e-5 of the range; `rare` is the share of pixels that may be elsewhere, on a border between two. */
function expectClose(actual: Tensor, expected: VectorTensor, what: string, rare = 0): void {
  expect(actual.shape, `${what}: shape`).toEqual(expected.shape)
  expect(actual.dtype, `${what}: dtype`).toBe(expected.dtype)
  const wanted = Float64Array.from(elements(expected))
  const scale = wanted.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1)
  const wrong = Array.from(actual.dataSync()).filter((value, i) => !(Math.abs(Number(value) - (wanted[i] as number)) <= 2e-5 * scale))
  expect(wrong.length, `${what}: ${wrong.slice(0, 5)}`).toBeLessThanOrEqual(rare * wanted.length)
}

describe.each(listVectors('image-layers'))('%s', (file) => {
  const vectors = readVectors<Vector[]>(`image-layers/${file}`)
  describe.each(backends)('on %s', (backend) => {
    it.each(vectors.map((vector, i) => [`${i} ${vector.serialized.class_name} ${vector.title}`, vector] as const))(
      '%s',
      async (_, vector) => {
        await setBackend(backend)
        const layer = deserialize(vector.serialized) as ImageLayer<unknown>
        expect(layer.getConfig()).toEqual(vector.serialized.config)
        const images = load(vector.images)
        const transformation = transformationOf(layer, vector)
        using tape = new GradientTape()
        tape.watch(images)
        const output = layer.transformImages(images, transformation)
        expectClose(output, vector.output, 'images')
        const [gradient] = tape.gradient(ops.sum(ops.multiply(output, load(vector.cotangent))), [images]) as [Tensor | null]
        // JAX says 0 where nothing depends on the images.
        if (vector.gradient !== null) expectClose(gradient ?? ops.zerosLike(images), vector.gradient, 'gradient')
        const { masks, masksOutput, labels, labelsOutput, boxes, boxesOutput } = vector
        if (masks && masksOutput) expectClose(layer.transformSegmentationMasks(load(masks), transformation), masksOutput, 'masks')
        if (labels && labelsOutput) expectClose(layer.transformLabels(load(labels), transformation), labelsOutput, 'labels')
        if (!boxes || !boxesOutput) return
        const moved = layer.transformBoundingBoxes(decode(boxes) as BoundingBoxes, transformation)
        expectClose(moved.boxes, boxesOutput.boxes as VectorTensor, 'boxes')
        expectClose(moved.labels as Tensor, boxesOutput.labels as VectorTensor, 'labels of boxes')
      },
    )
  })
})

describe('without training', () => {
  it('resizes and crops, and leaves the rest', () => {
    const images = tensor(
      Array.from({ length: 96 }, (_, i) => i),
      [2, 4, 4, 3],
      'float32',
    )
    expect((new Resizing(2, 3)(images, { training: false }) as Tensor).shape).toEqual([2, 2, 3, 3])
    expect((new CenterCrop(2, 2)(images, { training: false }) as Tensor).shape).toEqual([2, 2, 2, 3])
    expect((new RandomRotation(0.3)(images, { training: false }) as Tensor).dataSync()).toEqual(images.dataSync())
  })
})
