/** Files that mean harm: each is refused by name, soon, and without much memory. */
import { describe, expect, it } from 'vitest'
import { MemorySink, sourceOf } from '../../core/bytes.js'
import { SavingError } from '../../core/errors.js'
import { GroupDraft, type H5Group, openHdf5, writeHdf5 } from './index.js'
import { h5Vectors } from './testing/vectors.js'

/** A written file that can be damaged. */
class Victim {
  readonly bytes: Uint8Array
  readonly #view: DataView

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  static async of(root: GroupDraft): Promise<Victim> {
    const sink = new MemorySink()
    await writeHdf5(root, sink)
    return new Victim(sink.bytes)
  }

  open(): Promise<H5Group> {
    return openHdf5(sourceOf(this.bytes, 'victim'))
  }

  /** Where a text is for the `nth` time. */
  find(text: string, nth = 0): number {
    const all = Buffer.from(this.bytes).toString('latin1')
    let at = all.indexOf(text)
    for (; nth > 0; nth--) at = all.indexOf(text, at + 1)
    expect(at).toBeGreaterThanOrEqual(0)
    return at
  }

  read(at: number): number {
    return Number(this.#view.getBigUint64(at, true))
  }

  write(at: number, value: number): this {
    this.#view.setBigUint64(at, BigInt(value), true)
    return this
  }
}

const groupOf = (count: number): GroupDraft => {
  const root = new GroupDraft()
  for (let i = 0; i < count; i++) root.dataset(`name ${i}`, { dtype: 'uint8', shape: [1], data: Uint8Array.of(i) })
  return root
}

describe('a B-tree', () => {
  const CHILD = 24 + 8 // after the header and the first key
  it('whose children are all the same is not walked again and again', async () => {
    const victim = await Victim.of(groupOf(2000))
    // The root of the tree is written last.
    const count = Buffer.from(victim.bytes).toString('latin1').split('TREE').length - 1
    const root = victim.find('TREE', count - 1)
    victim.write(root + CHILD + 16, victim.read(root + CHILD))
    await expect(victim.open()).rejects.toThrow(/victim → \/ → byte \d+: structures lead back/)
  })

  it('that leads to itself ends', async () => {
    const victim = await Victim.of(groupOf(2000))
    const count = Buffer.from(victim.bytes).toString('latin1').split('TREE').length - 1
    const root = victim.find('TREE', count - 1)
    await expect(victim.write(root + CHILD, root).open()).rejects.toThrow(/level 1 hangs under level 1/)
  })

  it('that leads out of the file is refused', async () => {
    const victim = await Victim.of(groupOf(3))
    await expect(victim.write(victim.find('TREE') + CHILD, 2 ** 52).open()).rejects.toThrow(
      /8 bytes should be here, but the file ends at byte \d+/,
    )
  })
})

it('a header that continues in itself ends', async () => {
  const victim = await Victim.of(groupOf(1))
  const header = victim.read(64)
  // The first message, of 16 bytes, was the symbol table: now it is a continuation.
  victim.bytes[header + 16] = 0x10
  victim.bytes[header + 2] = 255
  await expect(
    victim
      .write(header + 24, header + 16)
      .write(header + 32, 24)
      .open(),
  ).rejects.toThrow(/structures lead back/)
})

it('a name that comes twice is refused', async () => {
  const victim = await Victim.of(groupOf(2))
  victim.bytes[victim.find('name 1') + 5] = '0'.charCodeAt(0)
  await expect(victim.open()).rejects.toThrow(/the name 'name 0' comes twice/)
})

it('a name with a slash is refused', async () => {
  const victim = await Victim.of(groupOf(1))
  victim.bytes[victim.find('name 0') + 4] = '/'.charCodeAt(0)
  await expect(victim.open()).rejects.toThrow(/"name\/0" cannot be a name/)
})

it('names of prototypes are names', async () => {
  const root = new GroupDraft().attribute('__proto__', 1)
  root.group('__proto__/constructor')
  const file = await (await Victim.of(root)).open()
  expect(await file.attribute('__proto__')).toBe(1)
  expect(await file.attribute('constructor')).toBeUndefined()
  expect(await file.get('toString')).toBeUndefined()
  expect((await file.group('__proto__')).keys()).toEqual(['constructor'])
})

it('groups that are nested without end are refused', async () => {
  const root = new GroupDraft()
  root.group(`${'g/'.repeat(2000)}g`)
  const file = await (await Victim.of(root)).open()
  expect((await file.group(`${'g/'.repeat(499)}g`)).keys()).toEqual(['g'])
  await expect(file.get(`${'g/'.repeat(1999)}g`)).rejects.toThrow(/groups are nested more than 512 deep/)
})

it('a group at two places is refused, so that there are no more paths than groups', async () => {
  const root = new GroupDraft()
  root.group('a/x')
  root.group('b/x')
  const victim = await Victim.of(root)
  const [a, b] = [0, 1].map((nth) => victim.find('SNOD', nth + 1) + 16) as [number, number]
  const file = await victim.write(b, victim.read(a)).open()
  await file.group('a/x')
  await expect(file.group('b/x')).rejects.toThrow(/victim → \/b\/x: the group is also \/a\/x/)
  await file.group('a/x')
})

it('two groups cannot share their links', async () => {
  const root = new GroupDraft()
  root.dataset('a/x', { dtype: 'int8', shape: null })
  root.dataset('b/x', { dtype: 'int8', shape: null })
  const victim = await Victim.of(root)
  const heaps = [0, 1].map((nth) => victim.find('HEAP', nth + 1)) as [number, number]
  const file = await victim.write(heaps[1] + 24, victim.read(heaps[0] + 24)).open()
  await file.group('a')
  await expect(file.group('b')).rejects.toThrow(/structures overlap, or belong to two objects/)
})

it('a long text that is named often is one text', async () => {
  const length = 500_000
  const victim = await Victim.of(new GroupDraft().attribute('texts', ['x'.repeat(length), ...Array<string>(4000).fill('y')]))
  // All elements name the same object, as the first does.
  const data = victim.find('texts\0') + 6 + 20 + 16
  const first = victim.bytes.slice(data, data + 16)
  expect(first[0]! | (first[1]! << 8) | (first[2]! << 16)).toBe(length)
  for (let i = 1; i <= 4000; i++) victim.bytes.set(first, data + 16 * i)
  const before = process.memoryUsage().heapUsed
  const texts = (await (await victim.open()).attribute('texts')) as string[]
  expect(texts).toHaveLength(4001)
  expect(texts[4000]).toBe(texts[0])
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(100 * length)
})

it('a dataset that declares more than there is, is refused before it is allocated', async () => {
  const victim = await Victim.of(groupOf(1))
  const dataset = await (await victim.open()).dataset('name 0')
  expect(await dataset.read()).toEqual(Uint8Array.of(0))
  // The shape is in the first message of the header: version, rank, flags, reserved, then the size.
  const shape = Buffer.from(victim.bytes).indexOf(Buffer.from([1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]))
  const larger = await (await victim.write(shape + 8, 2 ** 45).open()).dataset('name 0')
  expect(larger.shape).toEqual([2 ** 45])
  await expect(larger.read()).rejects.toThrow(/victim → \/name 0 → byte \d+: the dataset needs 35184372088832 bytes and has 1/)
})

it('a file that was cut is refused, wherever', async () => {
  for (const { bytes, name } of h5Vectors().filter((vector) => vector.name.startsWith('weights')))
    for (let length = 0; length < bytes.length; length += 97)
      await expect(openHdf5(sourceOf(bytes.subarray(0, length), name)), `${length}`).rejects.toThrow(SavingError)
})

it('what is not HDF5 is refused by name', async () => {
  await expect(openHdf5(sourceOf(new TextEncoder().encode('PK\x03\x04'.repeat(2000)), 'model.keras'))).rejects.toThrow(
    /model.keras: this is not an HDF5 file/,
  )
})
