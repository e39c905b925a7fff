/** The real h5py reads what ondol writes, and ondol what h5py, as it is installed here, writes today. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { MemorySink, sourceOf } from '../../packages/ondol/src/core/bytes.js'
import { GroupDraft, type H5Content, type H5Value, openHdf5, writeHdf5 } from '../../packages/ondol/src/saving/hdf5/index.js'
import { type ExpectedValue, expectedAttribute, expectedElements, h5Vectors } from '../../packages/ondol/src/saving/hdf5/testing/vectors.js'
import { run } from '../setup/command.mjs'
import { pythonPath } from './setup.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'ondol-hdf5-'))
const python = pythonPath()
if (python === undefined) throw new Error('there is no Python environment: node tools/oracle/setup.mjs makes it')

afterAll(() => rmSync(folder, { recursive: true }))

const script = join(here, 'hdf5.py')
run(python, [script, folder])
const vectors = h5Vectors(pathToFileURL(`${folder}/`))

describe.each(vectors)('$name', ({ name, bytes, objects }) => {
  it('is read as h5py reads it', async () => {
    const root = await openHdf5(sourceOf(bytes, name))
    for (const { path, value, attributes = {} } of objects) {
      if (value === undefined) continue
      const dataset = await root.dataset(path)
      const elements = dataset.isNull ? null : dataset.dtype === 'string' ? await dataset.strings() : await dataset.read()
      expect(elements, path).toEqual(value.shape === null ? null : expectedElements(value))
      for (const [attribute, expected] of Object.entries(attributes))
        expect(await dataset.attribute(attribute)).toEqual(expectedAttribute(expected))
    }
  })

  if (name === 'refused' || name === 'brain') return // what is not written: links, other types; h5py has no bfloat16

  it('is read by h5py after ondol wrote it', async () => {
    const draft = new GroupDraft()
    for (const { path, keys, value, attributes = {} } of objects) {
      if (keys === undefined && value === undefined) continue
      const target = value === undefined ? draft.group(path.slice(1)) : draft.dataset(path.slice(1), contentOf(value))
      for (const [attribute, expected] of Object.entries(attributes))
        if (!(attribute === 'dtype' && value?.dtype === 'bfloat16') && attribute !== TOO_LARGE)
          target.attribute(attribute, contentOf(expected))
    }
    const sink = new MemorySink()
    await writeHdf5(draft, sink)
    const path = join(folder, `${name}.h5`)
    writeFileSync(path, sink.bytes)
    const seen = JSON.parse(run(python, [script, '--describe', path])) as typeof objects
    const wanted = objects.filter(({ keys, value }) => keys !== undefined || value !== undefined)
    expect(new Map(seen.map(({ path, value }) => [path, value]))).toEqual(new Map(wanted.map(({ path, value }) => [path, value])))
    for (const { path, attributes, keys } of wanted) {
      const object = seen.find((candidate) => candidate.path === path)
      const { [TOO_LARGE]: _, ...others } = attributes ?? {}
      expect(object?.attributes, path).toEqual(others)
      // Only files that remember it keep another order than that of names; what is refused was not written.
      expect(object?.keys?.length).toBe(
        keys?.filter((key) => wanted.some((other) => other.path === `${path === '/' ? '' : path}/${key}`)).length,
      )
    }
  })
})

/** Only the latest format has attributes beyond 64 KiB; h5py writes none either unless told to. */
const TOO_LARGE = 'large'

/** What to write so that h5py sees the same. */
function contentOf(value: ExpectedValue): H5Content {
  if (value.shape === null) return { dtype: value.dtype, shape: null }
  if (value.dtype === 'string') {
    const { shape, data, itemSize } = value
    return { dtype: 'string', shape, data: data as readonly string[], ...(itemSize === undefined ? {} : { itemSize }) }
  }
  const data = expectedElements(value) as Exclude<H5Value, null>
  const count = value.shape.reduce((product, size) => product * size, 1)
  const itemSize = value.dtype === 'opaque' ? { itemSize: (data as Uint8Array).byteLength / count } : {}
  return { dtype: value.dtype, shape: value.shape, ...itemSize, data } as H5Content
}
