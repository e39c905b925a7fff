import { deflateRawSync, crc32 as zlibCrc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemorySink, sourceOf } from '../../core/bytes.js'
import { SavingError } from '../../core/errors.js'
import { crc32 } from './crc32.js'
import { ZipReader } from './reader.js'
import { centralHeader, endRecords, localHeader } from './records.js'
import { ZipWriter } from './writer.js'

const LENGTH_OF_LOCAL = 30
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

async function zipOf(members: Readonly<Record<string, Uint8Array>>): Promise<Uint8Array> {
  const sink = new MemorySink()
  const zip = new ZipWriter(sink)
  for (const [name, bytes] of Object.entries(members)) await zip.add(name, bytes)
  await zip.finish()
  return sink.bytes.slice()
}

/** The archive with a stored member replaced by its deflated form, sizes as they are or as told. */
async function deflatedZip(name: string, bytes: Uint8Array, declared = bytes.length): Promise<Uint8Array> {
  const compressed = deflateRawSync(bytes)
  const archive = await zipOf({ [name]: compressed })
  const view = new DataView(archive.buffer)
  const central = view.getUint32(archive.length - 6, true)
  for (const [at, method, crc] of [
    [0, 8, 14],
    [central, 10, 16],
  ] as const) {
    view.setUint16(at + method, 8, true)
    view.setUint32(at + crc, crc32(bytes), true)
    view.setUint32(at + crc + 8, declared, true)
  }
  return archive
}

const open = (bytes: Uint8Array): Promise<ZipReader> => ZipReader.open(sourceOf(bytes, 'model.keras'))

describe('crc32', () => {
  it('is known for the usual text, and goes on from what came before', () => {
    expect(crc32(bytesOf('123456789'))).toBe(0xcbf43926)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
        const whole = crc32(bytes)
        if (zlibCrc32 !== undefined) expect(whole).toBe(zlibCrc32(bytes))
        expect(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut)))).toBe(whole)
      }),
    )
  })
})

describe('zip archives', () => {
  it('give back what was put in', async () => {
    const archive = await open(await zipOf({ 'config.json': bytesOf('{}'), 'assets/größe.txt': bytesOf('ü'), empty: new Uint8Array() }))
    expect([...archive.members.keys()]).toEqual(['config.json', 'assets/größe.txt', 'empty'])
    expect(textOf(await archive.read('assets/größe.txt', 10))).toBe('ü')
    expect((await archive.read('empty', 10)).length).toBe(0)
    await expect(archive.read('config.json', 1)).rejects.toThrow(/too large/)
    await expect(archive.read('absent', 1)).rejects.toThrow(/no member 'absent'/)
    await expect(zipOf({}).then(open)).resolves.toMatchObject({ members: new Map() })
  })

  it('may be deflated', async () => {
    const text = bytesOf('abc'.repeat(1000))
    expect(await (await open(await deflatedZip('a', text))).read('a', 1e6)).toEqual(text)
  })

  it('stop a member that grows beyond what it declares, or not up to it', async () => {
    const text = new Uint8Array(1e6)
    for (const declared of [10, 2e6])
      await expect((await open(await deflatedZip('a', text, declared))).read('a', 1e8)).rejects.toThrow(SavingError)
    const bomb = await deflatedZip('a', text, 2 ** 31)
    await expect((await open(bomb)).open('a')).rejects.toThrow(/grow to much more/)
  })

  it('may be larger than 4 GiB, and so may be what comes before a member', async () => {
    const size = 2 ** 33 + 5
    const plain = { isDeflated: false, crc: 0 }
    const large = { ...plain, name: 'large', byteLength: size, storedLength: size, offset: 0 }
    const start = localHeader(large)
    const after = { ...plain, name: 'after', crc: crc32(bytesOf('x')), byteLength: 1, storedLength: 1, offset: start.length + size }
    const [header, directory] = [localHeader(after), Buffer.concat([centralHeader(large), centralHeader(after)])]
    const directoryStart = after.offset + header.length + 1
    const end = Buffer.concat([header, bytesOf('x'), directory, endRecords(2, directory.length, directoryStart)])
    const archive = await ZipReader.open({
      name: 'large.keras',
      byteLength: after.offset + end.length,
      async read(position, target) {
        for (let i = 0; i < target.length; i++) target[i] = start[position + i] ?? end[position + i - after.offset] ?? 0
      },
    })
    expect([...archive.members.values()]).toEqual([large, after])
    expect(textOf(await archive.read('after', 1))).toBe('x')
    // What the sizes of most archives need is the form that everybody reads.
    expect([localHeader({ ...large, byteLength: 1 }).length, endRecords(2, 100, 100).length]).toEqual([35, 22])
  })

  it('are refused when damaged or hostile, quickly', async () => {
    const whole = await zipOf({ 'config.json': bytesOf('{"a": 1}'), 'model.weights.h5': bytesOf('weights') })
    for (let length = 0; length < whole.length; length++) await expect(open(whole.slice(0, length))).rejects.toThrow(SavingError)
    const changed = whole.slice()
    changed[LENGTH_OF_LOCAL + 'config.json'.length + 3] = 0x62
    await expect((await open(changed)).read('config.json', 100)).rejects.toThrow(/checksum/)
    for (const name of ['../config', '/etc/passwd', 'a\\..\\b', 'C:/x', 'a/../../b', 'a\0b'])
      await expect(zipOf({ [name]: bytesOf('x') }).then(open)).rejects.toThrow(/leads out of the archive/)
  })

  it('never do anything but work or say what is wrong, whatever bytes change', async () => {
    const whole = await zipOf({ 'config.json': bytesOf('{"a": 1}'), 'model.weights.h5': bytesOf('weights') })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }), async (changes) => {
        const broken = whole.slice()
        for (const [at, value] of changes) broken[at] = value
        try {
          const archive = await open(broken)
          for (const name of archive.members.keys()) await archive.read(name, 1e6)
        } catch (error) {
          expect(error).toBeInstanceOf(SavingError)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('with overlapping members or two of one name are refused', async () => {
    const whole = await zipOf({ aa: bytesOf('x'), bb: bytesOf('y') })
    const view = new DataView(whole.buffer)
    const central = view.getUint32(whole.length - 6, true)
    const second = central + 46 + 2
    const overlapping = whole.slice()
    new DataView(overlapping.buffer).setUint32(second + 42, 0, true)
    await expect(open(overlapping)).rejects.toThrow(/overlaps/)
    const twice = whole.slice()
    twice.set(bytesOf('aa'), second + 46)
    await expect(open(twice)).rejects.toThrow(/two members called 'aa'/)
  })
})
