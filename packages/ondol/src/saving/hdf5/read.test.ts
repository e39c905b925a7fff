/** Files of h5py, in all the ways it has of writing them, are read bit for bit. */
import { describe, expect, it } from 'vitest'
import { sourceOf } from '../../core/bytes.js'
import { SavingError, ValueError } from '../../core/errors.js'
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

describe('what cannot be answered', () => {
  const open = async (name: string): Promise<H5Group> =>
    openHdf5(sourceOf(vectors.find((vector) => vector.name === name)!.bytes, `${name}.h5`))

  it('says what is there instead of what was asked for', async () => {
    const root = await open('weights')
    expect(await root.get('layers/missing')).toBeUndefined()
    expect(await root.get('layers/dense/vars/0/below')).toBeUndefined()
    expect(await root.attribute('missing')).toBeUndefined()
    await expect(root.group('layers/missing')).rejects.toThrow(
      /weights.h5 → \/: there is no group 'layers\/missing'.\n.*here are layers, optimizer/,
    )
    await expect(root.dataset('layers')).rejects.toThrow(/there is no dataset 'layers'.\n.*a group/)
  })

  it('takes rows that exist, and arrays that fit', async () => {
    const dataset = await (await open('shapes')).dataset('rows')
    for (const rows of [{ start: -1 }, { stop: 8 }, { start: 5, stop: 4 }, { start: 0.5 }])
      await expect(dataset.read(rows)).rejects.toThrow(ValueError)
    await expect(dataset.read({ into: new Float32Array(20) })).rejects.toThrow(
      /Expected: Float32Array of 84 bytes\n.*Float32Array of 80 bytes/,
    )
    await expect(dataset.read({ into: new Int32Array(21) })).rejects.toThrow(/Received: Int32Array of 84 bytes/)
    expect(await dataset.read({ start: 2, stop: 2 })).toEqual(new Float32Array())
  })

  it('tells text from numbers', async () => {
    const [texts, shapes] = [await open('texts'), await open('shapes')]
    await expect((await texts.dataset('variable')).read()).rejects.toThrow(/the elements are text.\n.*strings\(\)/)
    await expect((await shapes.dataset('rows')).strings()).rejects.toThrow(/the elements are float32, not text.\n.*read\(\)/)
  })

  it('names what it refuses, and where', async () => {
    const root = await open('refused')
    await expect(root.get('external')).rejects.toThrow(/refused.h5 → \/external: the link leads to another file/)
    await expect(root.get('lzf')).rejects.toThrow(/refused.h5 → \/lzf → byte \d+: data packed with the filter 32000 \(lzf\) cannot be read/)
    await expect(root.get('virtual')).rejects.toThrow(/a virtual dataset, made of others, cannot be read/)
    await expect(root.get('outside')).rejects.toThrow(/the elements lie in other files/)
    await expect(root.attribute('compound')).rejects.toThrow(/\/ → attribute 'compound' → byte \d+: the compound datatype cannot be read/)
    await expect((await root.dataset('bomb')).read()).rejects.toThrow(/declares 4398046511104 bytes, but 0 are stored/)
  })
})

const elements = (dataset: H5Dataset): Promise<unknown> => (dataset.dtype === 'string' ? dataset.strings() : dataset.read())

async function readWhole(root: H5Group, path: string): Promise<unknown> {
  const object = await root.get(path)
  if (!(object instanceof H5Dataset)) throw new Error(`${path} is not refused`)
  return elements(object)
}
