/** WAV files of plain samples (PCM of 8 to 32 bits, and floats) as numbers between -1 and 1. */
import { DataError } from '../core/errors.js'

export interface Audio {
  /** Samples in a second. */
  readonly samplingRate: number
  readonly channels: number
  /** The channels of one moment side by side. */
  readonly samples: Float32Array
}

/** @throws DataError when it is no such file. */
export function decodeWav(bytes: Uint8Array, where: string): Audio {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const fail = (problem: string): DataError => new DataError({ where, problem, expected: 'a WAV file of PCM samples or floats' })
  const tag = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4))
  if (bytes.length < 12 || tag(0) !== 'RIFF' || tag(8) !== 'WAVE') throw fail('this is no WAV file')
  let format: { kind: number; channels: number; samplingRate: number; bits: number } | undefined
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true)
    const start = at + 8
    if (tag(at) === 'fmt ' && start + 16 <= bytes.length) {
      const kind = view.getUint16(start, true)
      format = {
        // An extended header says the kind further on.
        kind: kind === 0xfffe && size >= 26 ? view.getUint16(start + 24, true) : kind,
        channels: view.getUint16(start + 2, true),
        samplingRate: view.getUint32(start + 4, true),
        bits: view.getUint16(start + 14, true),
      }
    } else if (tag(at) === 'data') {
      if (format === undefined) throw fail('the samples come before their format')
      const { kind, channels, samplingRate, bits } = format
      const read = reader(view, kind, bits)
      if (read === undefined || channels === 0) throw fail(`samples of ${bits} bits in format ${kind} cannot be read`)
      const width = bits / 8
      const count = Math.floor(Math.min(size, bytes.length - start) / width / channels) * channels
      return { samplingRate, channels, samples: Float32Array.from({ length: count }, (_, i) => read(start + i * width)) }
    }
    at = start + size + (size % 2)
  }
  throw fail('there are no samples')
}

function reader(view: DataView, kind: number, bits: number): ((at: number) => number) | undefined {
  if (kind === 3) return bits === 32 ? (at) => view.getFloat32(at, true) : bits === 64 ? (at) => view.getFloat64(at, true) : undefined
  if (kind !== 1) return undefined
  switch (bits) {
    case 8:
      return (at) => (view.getUint8(at) - 128) / 128
    case 16:
      return (at) => view.getInt16(at, true) / 32768
    case 24:
      return (at) => ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 8388608
    case 32:
      return (at) => view.getInt32(at, true) / 2147483648
    default:
      return undefined
  }
}
