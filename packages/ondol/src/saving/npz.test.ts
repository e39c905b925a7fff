import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { sourceOf } from '../core/bytes.js'
import { SavingError } from '../core/errors.js'
import { type Tensor, tensor, useBackend, Variable } from '../engine/index.js'
import { readNpz, writeNpz } from './npz.js'
import { ZipReader } from './zip/reader.js'

beforeAll(() => useBackend(createHostBackend()))

const decode = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'))
const contents = async (arrays: Record<string, Tensor>): Promise<unknown> =>
  Object.fromEntries(
    await Promise.all(Object.entries(arrays).map(async ([name, value]) => [name, [value.dtype, value.shape, await value.array()]])),
  )

describe('.npz files', () => {
  it('of NumPy are read, whatever the layout and the width', async () => {
    expect(await contents(await readNpz(decode(COMPRESSED)))).toEqual({
      a: [
        'float32',
        [2, 3],
        [
          [0, 1, 2],
          [3, 4, 5],
        ],
      ],
      f: [
        'int32',
        [2, 3],
        [
          [0, 1, 2],
          [3, 4, 5],
        ],
      ],
      s: ['float64', [], 2.5],
      b: ['bool', [2], [true, false]],
      h: ['float16', [1], [1.5]],
      big: ['int32', [2], [1, -2]],
      e: ['uint8', [0, 3], []],
    })
  })

  it('come back as they were written, with headers as NumPy pads them', async () => {
    const arrays = {
      x: tensor([
        [1, 2],
        [3, 4],
      ]),
      y: tensor([1, 0], undefined, 'int32'),
      z: tensor(2.5, undefined, 'bfloat16'),
      v: new Variable(tensor([true])),
    }
    const bytes = await writeNpz(arrays)
    expect(await contents(await readNpz(bytes))).toEqual({
      x: [
        'float32',
        [2, 2],
        [
          [1, 2],
          [3, 4],
        ],
      ],
      y: ['int32', [2], [1, 0]],
      z: ['float32', [], 2.5],
      v: ['bool', [1], [true]],
    })
    const member = await (await ZipReader.open(sourceOf(bytes))).read('y.npy', 1000)
    expect(Buffer.from(member.subarray(0, 128)).toString('latin1')).toBe(
      `${"\x93NUMPY\x01\x00v\x00{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }".padEnd(127, ' ')}\n`,
    )
    expect(member.length).toBe(128 + 8)
  })

  it('with objects or text are refused, and so is anything damaged', async () => {
    await expect(readNpz(decode(OBJECTS))).rejects.toThrow(/Python objects is code/)
    await expect(readNpz(decode(TEXTS))).rejects.toThrow(/of this type are not read[\s\S]*U1/)
    const bytes = await writeNpz({
      x: tensor([
        [1, 2],
        [3, 4],
      ]),
    })
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), async (at, value) => {
        const broken = bytes.slice()
        broken[at] = value
        await readNpz(broken).catch((error) => expect(error).toBeInstanceOf(SavingError))
      }),
      { numRuns: 300 },
    )
    for (let length = 0; length < bytes.length; length += 7) await expect(readNpz(bytes.slice(0, length))).rejects.toThrow(SavingError)
  })
})

// np.savez_compressed, np.save of an array of objects, and of text.
const COMPRESSED = [
  'UEsDBC0AAAAIAAAAIQBP6QAq//////////8FABQAYS5ucHkBABAAmAAAAAAAAABVAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqKuo6Cell9UUpSY',
  'F59flJIKEndLzClOBYoXZyQWpAL5GkY6CsaaOgq1CmQDLgYwaLAHEg5ABMQNQLzAAQBQSwMELQAAAAgAAAAhAPc7eBT//////////wUAFABmLm5weQEAEACw',
  'AAAAAAAAAFUAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgbpNpoa6joJ6WX1RSlJgXn1+UkgoSDykqTQUKF2ckFqQCuRpGOgrGmjoKtQrkAy4GKGCG0oxQ',
  'mgVKM0FpVigNAFBLAwQtAAAACAAAACEANbQ6k///////////BQAUAHMubnB5AQAQAIgAAAAAAAAARwAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2ah',
  'rqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RqaOgq1ChQBLgYwYHEAAFBLAwQtAAAACAAAACEA7hm7Xf//////////BQAUAGIubnB5AQAQAIIAAAAA',
  'AAAARgAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBek2SorqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RpGOpo6CrUKFAAuRgYAUEsDBC0AAAAI',
  'AAAAIQDDF891//////////8FABQAaC5ucHkBABAAggAAAAAAAABGAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqSuo6Cell9UUpSYF59flJIKEndL',
  'zClOBYoXZyQWpAL5GoY6mjoKtQoUAC4GOwBQSwMELQAAAAgAAAAhADnY4I7//////////wcAFABiaWcubnB5AQAQAIQAAAAAAAAASAAAAAAAAACb7BfqGxDJ',
  'yFDGUK2eklqcXKRupaBul2mkrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RpGOpo6CrUKFAAuBsb//wBQSwMELQAAAAgAAAAhAG7xzhX/////////',
  '/wUAFABlLm5weQEAEACAAAAAAAAAAEYAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgXlNqqK6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkaBjoK',
  'xpo6CrUKZAMuAFBLAQItAy0AAAAIAAAAIQBP6QAqVQAAAJgAAAAFAAAAAAAAAAAAAACAAQAAAABhLm5weVBLAQItAy0AAAAIAAAAIQD3O3gUVQAAALAAAAAF',
  'AAAAAAAAAAAAAACAAYwAAABmLm5weVBLAQItAy0AAAAIAAAAIQA1tDqTRwAAAIgAAAAFAAAAAAAAAAAAAACAARgBAABzLm5weVBLAQItAy0AAAAIAAAAIQDu',
  'GbtdRgAAAIIAAAAFAAAAAAAAAAAAAACAAZYBAABiLm5weVBLAQItAy0AAAAIAAAAIQDDF891RgAAAIIAAAAFAAAAAAAAAAAAAACAARMCAABoLm5weVBLAQIt',
  'Ay0AAAAIAAAAIQA52OCOSAAAAIQAAAAHAAAAAAAAAAAAAACAAZACAABiaWcubnB5UEsBAi0DLQAAAAgAAAAhAG7xzhVGAAAAgAAAAAUAAAAAAAAAAAAAAIAB',
  'EQMAAGUubnB5UEsFBgAAAAAHAAcAZwEAAI4DAAAAAA==',
].join('')
const OBJECTS = [
  'k05VTVBZAQB2AHsnZGVzY3InOiAnfE8nLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMSwpLCB9ICAgICAgICAgICAgICAgICAgICAgICAg',
  'ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAqABJWLAAAAAAAAAIwWbnVtcHkuX2NvcmUubXVsdGlhcnJheZSMDF9yZWNvbnN0cnVjdJST',
  'lIwFbnVtcHmUjAduZGFycmF5lJOUSwCFlEMBYpSHlFKUKEsBSwGFlGgDjAVkdHlwZZSTlIwCTziUiYiHlFKUKEsDjAF8lE5OTkr/////Sv////9LP3SUYold',
  'lH2UYXSUYi4=',
].join('')
const TEXTS = [
  'k05VTVBZAQB2AHsnZGVzY3InOiAnPFUxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDEsKSwgfSAgICAgICAgICAgICAgICAgICAgICAg',
  'ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAphAAAA',
].join('')
