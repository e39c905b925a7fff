import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemorySink, sourceOf } from '../core/bytes.js'
import { SavingError } from '../core/errors.js'
import { readSafetensors, type SafetensorsDType, type StoredTensor, writeSafetensors } from './safetensors.js'

const SIZES = { BOOL: 1, I16: 2, BF16: 2, F32: 4, I32: 4, F64: 8, I64: 8 } as const satisfies Partial<Record<SafetensorsDType, number>>

async function written(tensors: Record<string, StoredTensor>, metadata?: Record<string, string>): Promise<Uint8Array> {
  const sink = new MemorySink()
  await writeSafetensors(sink, new Map(Object.entries(tensors)), metadata)
  return sink.bytes
}

/** A file with this header and as many bytes of data. */
function file(header: unknown, dataBytes: number, { length }: { length?: bigint } = {}): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const bytes = new Uint8Array(8 + text.length + dataBytes)
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true)
  bytes.set(text, 8)
  return bytes
}

const entry = (begin: number, end: number, shape: readonly unknown[] = [(end - begin) / 4], dtype = 'F32'): unknown => ({
  dtype,
  shape,
  data_offsets: [begin, end],
})

describe('safetensors', () => {
  it('writes what the format says, byte by byte', async () => {
    const bytes = await written(
      {
        b: { dtype: 'BOOL', shape: [3], bytes: Uint8Array.of(1, 0, 1) },
        a: { dtype: 'F32', shape: [1, 2], bytes: new Uint8Array(Float32Array.of(1, -2).buffer) },
      },
      { made: 'by hand' },
    )
    const headerLength = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
    expect(headerLength % 8).toBe(0)
    expect(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerLength)))).toEqual({
      __metadata__: { made: 'by hand' },
      a: { dtype: 'F32', shape: [1, 2], data_offsets: [0, 8] },
      b: { dtype: 'BOOL', shape: [3], data_offsets: [8, 11] },
    })
    expect([...bytes.subarray(8 + headerLength)]).toEqual([0, 0, 128, 63, 0, 0, 0, 192, 1, 0, 1])
  })

  it('gives back what was written, whatever the names, shapes and dtypes', async () => {
    const stored = fc
      .record({ dtype: fc.constantFrom(...(Object.keys(SIZES) as (keyof typeof SIZES)[])), shape: fc.array(fc.nat(3), { maxLength: 4 }) })
      .chain(({ dtype, shape }) => {
        const length = shape.reduce((product, size) => product * size, SIZES[dtype])
        return fc.uint8Array({ minLength: length, maxLength: length }).map((bytes): StoredTensor => ({ dtype, shape, bytes }))
      })
    const names = fc.string({ unit: 'grapheme' }).filter((name) => name !== '__metadata__')
    const files = fc.tuple(
      fc.array(fc.tuple(names, stored), { maxLength: 8 }),
      fc.dictionary(names, fc.string(), { noNullPrototype: true }),
    )
    await fc.assert(
      fc.asyncProperty(files, async ([entries, metadata]) => {
        const tensors = new Map([...entries, ['__proto__', { dtype: 'F32', shape: [], bytes: Uint8Array.of(1, 2, 3, 4) }] as const])
        const sink = new MemorySink()
        await writeSafetensors(sink, tensors, metadata)
        const read = await readSafetensors(sourceOf(sink.bytes))
        expect(read.metadata).toEqual(metadata)
        expect(read.tensors.size).toBe(tensors.size)
        for (const [name, { dtype, shape, bytes }] of tensors) {
          const found = read.tensors.get(name)
          expect([found?.dtype, found?.shape]).toEqual([dtype, shape])
          expect(await found?.read()).toEqual(bytes)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('does not write bytes that are not those of the shape', async () => {
    await expect(written({ a: { dtype: 'F32', shape: [2], bytes: new Uint8Array(7) } })).rejects.toThrow(
      /a: the bytes are not those of the shape/,
    )
    await expect(written({ __metadata__: { dtype: 'U8', shape: [0], bytes: new Uint8Array(0) } })).rejects.toThrow(SavingError)
  })

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['a length alone', file('', 0)],
    ['a header longer than the file', file({}, 0, { length: 3n })],
    ['a header longer than any memory', file({}, 0, { length: 2n ** 64n - 1n })],
    ['a header that is a list', file([], 0)],
    ['a header that begins with spaces', file(' {}', 0)],
    ['a header that ends too early', file('{"a":', 0)],
    ['text that is no UTF-8', new Uint8Array([...file('{"a":1}', 0)].map((byte, i) => (i === 10 ? 0xff : byte)))],
    ['data that nobody owns', file({}, 4)],
    ['a tensor beyond the end', file({ a: entry(0, 8) }, 4)],
    ['a tensor of another size than its place', file({ a: entry(0, 8, [3]) }, 8)],
    ['tensors that overlap', file({ a: entry(0, 8), b: entry(4, 12) }, 12)],
    ['the same bytes twice', file({ a: entry(0, 8), b: entry(0, 8) }, 8)],
    ['a hole', file({ a: entry(0, 4), b: entry(8, 12) }, 12)],
    ['an end before the beginning', file({ a: entry(8, 4) }, 8)],
    ['a negative place', file({ a: entry(-4, 0, [1]) }, 4)],
    ['a negative size', file({ a: entry(0, 4, [-1]) }, 4)],
    ['a fractional size', file({ a: entry(0, 4, [1.5]) }, 4)],
    ['sizes beyond counting', file({ a: entry(0, 4, [2 ** 40, 2 ** 40]) }, 4)],
    ['an unknown dtype', file({ a: entry(0, 4, [1], 'F31') }, 4)],
    ['a dtype out of the prototype', file({ a: entry(0, 4, [1], 'toString') }, 4)],
    ['a tensor that is a number', file({ a: 1 }, 0)],
    ['metadata that are numbers', file({ __metadata__: { a: 1 } }, 0)],
  ])('refuses %s', async (_, bytes) => {
    await expect(readSafetensors(sourceOf(bytes, 'model.safetensors'))).rejects.toThrow(SavingError)
  })

  it('survives any damage to a file, with the old contents or an error of the house', async () => {
    const whole = await written({ kernel: { dtype: 'F32', shape: [2, 2], bytes: new Uint8Array(16).fill(7) } }, { a: 'b' })
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), async (place, value, length) => {
        const damaged = whole.slice(0, length)
        damaged[place] = value
        try {
          for (const { read } of (await readSafetensors(sourceOf(damaged))).tensors.values()) await read()
        } catch (error) {
          expect(error).toBeInstanceOf(SavingError)
        }
      }),
      { numRuns: 500 },
    )
  })
})
