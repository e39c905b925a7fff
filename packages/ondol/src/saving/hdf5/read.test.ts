/** Files of h5py, in all the ways it has of writing them, are read bit for bit. */
import { describe, expect, it } from 'vitest'
import { sourceOf } from '../../core/bytes.js'
import { SavingError } from '../../core/errors.js'
import { H5Dataset, type H5Group, openHdf5 } from './index.js'
import { expectedAttribute, expectedElements, h5Vectors } from './testing/vectors.js'

const vectors = h5Vectors()

describe.each(vectors)('$name', ({ name, bytes, objects }) => {
  it('has the objects that h5py sees', async () => {
    const root = await openHdf5(sourceOf(bytes, name))
    for (const { path, keys, value, attributes = {} } of objects) {
      if (keys === undefined && value === undefined) {
        await expect(readWhole(root, path), path).rejects.toThrow(SavingError)
        continue
      }
      const object = await root.get(path)
      if (keys !== undefined) expect((object as H5Group).keys(), path).toEqual(keys)
      else {
        const dataset = object as H5Dataset
        expect(dataset.kind, path).toBe('dataset')
        expect(dataset.dtype, path).toBe(value!.dtype)
        expect(dataset.isNull, path).toBe(value!.shape === null)
        expect(dataset.shape, path).toEqual(value!.shape ?? [0])
        if (value!.shape !== null) expect(await elements(dataset), path).toEqual(expectedElements(value!))
      }
      for (const [attribute, expected] of Object.entries(attributes))
        expect(await object!.attribute(attribute), `${path} ${attribute}`).toEqual(expectedAttribute(expected))
    }
  })

  it('reads rows as it reads the whole', async () => {
    const root = await openHdf5(sourceOf(bytes, name))
    for (const { path, value } of objects) {
      if (!value?.shape?.[0] || value.dtype === 'string' || value.shape[0] > 1000) continue
      const dataset = await root.dataset(path)
      const whole = await dataset.read()
      const rows = value.shape[0]
      const perRow = whole.length / rows
      const [start, stop] = [Math.floor(rows / 3), Math.ceil((2 * rows) / 3)]
      expect(await dataset.read({ start, stop }), path).toEqual(whole.slice(start * perRow, stop * perRow))
      const into = whole.slice().reverse()
      expect(await dataset.read({ into })).toBe(into)
      expect(into, path).toEqual(whole)
    }
  })
})

const elements = (dataset: H5Dataset): Promise<unknown> => (dataset.dtype === 'string' ? dataset.strings() : dataset.read())

async function readWhole(root: H5Group, path: string): Promise<unknown> {
  const object = await root.get(path)
  if (!(object instanceof H5Dataset)) throw new Error(`${path} is not refused`)
  return elements(object)
}
