/** What is written reads back, streams, and is refused where it cannot be right. That h5py opens it is tested in `tools/oracle`. */
import { expect, it } from 'vitest'
import { MemorySink, sourceOf } from '../../core/bytes.js'
import { SavingError } from '../../core/errors.js'
import { GroupDraft, type H5Content, type H5Group, type H5NumericDType, hdf5Size, openHdf5, writeHdf5 } from './index.js'

async function written(root: GroupDraft): Promise<Uint8Array> {
  const sink = new MemorySink()
  await writeHdf5(root, sink)
  expect(sink.bytes.byteLength).toBe(hdf5Size(root))
  return sink.bytes
}

const reopened = async (root: GroupDraft): Promise<H5Group> => openHdf5(sourceOf(await written(root)))

const ELEMENTS = {
  int8: Int8Array.of(-128, 127),
  int16: Int16Array.of(-32768, 32767),
  int32: Int32Array.of(-(2 ** 31), 2 ** 31 - 1),
  int64: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n),
  uint8: Uint8Array.of(0, 255),
  uint16: Uint16Array.of(0, 65535),
  uint32: Uint32Array.of(0, 2 ** 32 - 1),
  uint64: BigUint64Array.of(0n, 2n ** 64n - 1n),
  float16: Uint16Array.of(0x3c00, 0x7e00),
  bfloat16: Uint16Array.of(0x3f80, 0x7fc0),
  float32: Float32Array.of(Number.NaN, 1e-45),
  float64: Float64Array.of(Number.NEGATIVE_INFINITY, 0.1),
  bool: Uint8Array.of(1, 0),
  opaque: Uint8Array.of(7, 8),
} as const

it.each(Object.entries(ELEMENTS))('keeps %s in datasets and attributes', async (name, data) => {
  const content: H5Content = { dtype: name as H5NumericDType, shape: [2], data }
  const root = new GroupDraft()
  root.dataset('a', content)
  root.attribute('a', content)
  const file = await reopened(root)
  const dataset = await file.dataset('a')
  expect([dataset.dtype, dataset.shape]).toEqual([name, [2]])
  expect(await dataset.read()).toEqual(data)
  // Only a dataset can say that its opaque bytes are bfloat16.
  const bytes = new Uint8Array(data.buffer)
  expect(await file.attribute('a')).toEqual(name === 'bfloat16' ? bytes : data)
})

it('keeps shapes: scalar, without elements, and none at all', async () => {
  const root = new GroupDraft()
  root.dataset('scalar', { dtype: 'float32', shape: [], data: Float32Array.of(2) })
  root.dataset('none', { dtype: 'float32', shape: [3, 0, 2], data: new Float32Array() })
  root.dataset('null', { dtype: 'int32', shape: null })
  const file = await reopened(root)
  const [scalar, none, nothing] = [await file.dataset('scalar'), await file.dataset('none'), await file.dataset('null')]
  expect([scalar.shape, await scalar.read()]).toEqual([[], Float32Array.of(2)])
  expect([none.shape, await none.read()]).toEqual([[3, 0, 2], new Float32Array()])
  expect([nothing.isNull, nothing.dtype]).toEqual([true, 'int32'])
})

it('keeps text of fixed and of any length', async () => {
  const root = new GroupDraft()
  const texts = ['', 'a', '온돌', 'x'.repeat(100_000), ...Array.from({ length: 400 }, (_, i) => `text ${i}`)]
  root.dataset('variable', { dtype: 'string', shape: [texts.length], data: texts })
  root.dataset('fixed', { dtype: 'string', shape: [3], itemSize: 5, data: ['dense', '', 'ab'] })
  root.attribute('text', texts[3]!).attribute('names', ['a', 'b'])
  const file = await reopened(root)
  expect(await (await file.dataset('variable')).strings()).toEqual(texts)
  expect(await (await file.dataset('fixed')).strings()).toEqual(['dense', '', 'ab'])
  expect([await file.attribute('text'), await file.attribute('names')]).toEqual([texts[3], ['a', 'b']])
})

it('gives plain attributes back as they were given', async () => {
  const root = new GroupDraft()
    .attribute('flag', true)
    .attribute('count', -3)
    .attribute('rate', 0.5)
    .attribute('big', 2n ** 60n)
  const file = await reopened(root)
  const values = await Promise.all(file.attributeNames.map((name) => file.attribute(name)))
  expect(values).toEqual([true, -3, 0.5, 2n ** 60n])
})

it.each([0, 1, 8, 9, 256, 257, 8193])('keeps a group of %i', async (count) => {
  const root = new GroupDraft()
  const group = root.group('group')
  const names = Array.from({ length: count }, (_, i) => `${(i * 7919) % count}`)
  for (const name of names) group.dataset(name, { dtype: 'int32', shape: [], data: Int32Array.of(Number(name)) })
  const read = await (await reopened(root)).group('group')
  expect(read.keys()).toEqual([...names].sort())
  for (const name of names.slice(0, 20)) expect(await (await read.dataset(name)).read()).toEqual(Int32Array.of(Number(name)))
})

it('sorts names as bytes, not as JavaScript does', async () => {
  const root = new GroupDraft()
  for (const name of ['\u{1f600}', '\uff5e', 'b', 'B', '__proto__', 'constructor']) root.group(name)
  expect((await reopened(root)).keys()).toEqual(['B', '__proto__', 'b', 'constructor', '\uff5e', '\u{1f600}'])
})

it('takes the numbers of a dataset in parts, when their turn comes', async () => {
  const root = new GroupDraft()
  const asked: string[] = []
  const part = (name: string, ...values: number[]): Uint8Array => {
    asked.push(name)
    return new Uint8Array(Float32Array.of(...values).buffer)
  }
  root.dataset('a', {
    dtype: 'float32',
    shape: [3],
    data: function* () {
      yield part('a1', 1).subarray(0, 3)
      yield part('a2', 1).subarray(3)
      yield part('a3', 2, 3)
    },
  })
  root.dataset('b', {
    dtype: 'float32',
    shape: [1],
    data: async function* () {
      yield part('b', 4)
    },
  })
  const file = await reopened(root)
  expect(asked).toEqual(['a1', 'a2', 'a3', 'b'])
  expect(await (await file.dataset('a')).read()).toEqual(Float32Array.of(1, 2, 3))
  expect(await (await file.dataset('b')).read()).toEqual(Float32Array.of(4))
})

it('knows addresses beyond 4 GiB before anything is written', async () => {
  const root = new GroupDraft()
  const half = 3 * 2 ** 30
  const nothing = (): Uint8Array[] => []
  root.dataset('a', { dtype: 'uint8', shape: [half], data: nothing })
  root.dataset('b', { dtype: 'uint8', shape: [half], data: nothing })
  expect(hdf5Size(root)).toBeGreaterThan(2 * half)
  // Only what describes is written: the rest of the file is zeros that are nowhere.
  const sink = new MemorySink()
  await expect(writeHdf5(root, sink)).rejects.toThrow(/\/a: the elements do not fill/)
  const described = sink.bytes
  const file = await openHdf5({
    name: 'large',
    byteLength: hdf5Size(root),
    read: async (position, target) => {
      target.fill(0)
      target.set(described.subarray(position, position + target.byteLength))
    },
  })
  const rows = await (await file.dataset('b')).read({ start: half - 5, stop: half })
  expect(rows).toEqual(new Uint8Array(5))
})

it.each<[string, (root: GroupDraft) => unknown, RegExp]>([
  [
    'too few elements',
    (root) => root.dataset('a', { dtype: 'int8', shape: [3], data: Int8Array.of(1) }),
    /\/a: the elements do not fill.*\n.*3 bytes\n.*1 bytes/,
  ],
  [
    'the wrong array',
    (root) => root.dataset('a', { dtype: 'int8', shape: [1], data: Uint8Array.of(1) }),
    /Expected: Int8Array\n.*Uint8Array/,
  ],
  ['no shape', (root) => root.dataset('a', { dtype: 'int8', shape: [-1], data: new Int8Array() }), /\[-1\] is not a shape/],
  [
    'text that is too long',
    (root) => root.dataset('a', { dtype: 'string', shape: [1], itemSize: 2, data: ['abc'] }),
    /'abc' does not fit into 2 bytes/,
  ],
  [
    'an attribute that is too large',
    (root) => root.attribute('a', { dtype: 'int8', shape: [66000], data: new Int8Array(66000) }),
    /less than 64 KiB/,
  ],
  ['a name twice', (root) => root.group('a/b') && root.dataset('a/b', { dtype: 'int8', shape: null }), /there is a 'b' already/],
  [
    'a group in a dataset',
    (root) => root.dataset('a', { dtype: 'int8', shape: null }) && root.group('a/b'),
    /'a' is a dataset, not a group/,
  ],
  ['an attribute twice', (root) => root.attribute('a', 1).attribute('a', 2), /an attribute 'a' already/],
  ['an empty name', (root) => root.group('a//b'), /"" cannot be the name/],
])('refuses %s', async (_, build, message) => {
  const attempt = async (): Promise<void> => {
    const root = new GroupDraft()
    build(root)
    await written(root)
  }
  await expect(attempt()).rejects.toThrow(SavingError)
  await expect(attempt()).rejects.toThrow(message)
})
