/**
 * SHA-256 (FIPS 180-4) and MD5 (RFC 1321) of files that need not fit into memory. MD5 only compares files with the
 * checksums that people publish; nobody can find another file for a given one, but two of one kind are easily made.
 */
import type { ByteSource } from '../core/bytes.js'

export type HashAlgorithm = 'sha256' | 'md5'

const BLOCK = 64
const PIECE = 2 ** 22

const MD5_SHIFTS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
] as const
const SINES = Int32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32))

/** The first 32 bits of the fractional parts of the roots of the first primes. */
const fraction = (root: number): number => Math.floor((root - Math.floor(root)) * 2 ** 32)
const PRIMES = Array.from({ length: 312 }, (_, i) => i).filter(
  (n) => n > 1 && !Array.from({ length: n - 2 }, (_, i) => i + 2).some((d) => n % d === 0),
)
const SHA_START = PRIMES.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)))
const SHA_ROUNDS = Int32Array.from(PRIMES.slice(0, 64), (prime) => fraction(Math.cbrt(prime)))

/** Takes whole blocks into the state. */
type Absorb = (state: Int32Array, bytes: Uint8Array) => void

const ALGORITHMS: Readonly<
  Record<HashAlgorithm, { readonly start: readonly number[]; readonly isLittle: boolean; readonly absorb: Absorb }>
> = {
  md5: { start: [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476], isLittle: true, absorb: absorbMd5 },
  sha256: { start: SHA_START, isLittle: false, absorb: absorbSha256 },
}

/** Up to here the platform computes SHA-256 of bytes in memory: twenty times as fast, but it wants all at once. */
const FITS = 2 ** 29

/** The checksum of all bytes, in hexadecimal. */
export async function checksumOf(source: ByteSource, algorithm: HashAlgorithm, fits = FITS): Promise<string> {
  if (algorithm === 'md5' || source.byteLength > fits) return inPieces(source, algorithm)
  const bytes = new Uint8Array(source.byteLength)
  await source.read(0, bytes)
  return hexadecimal(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
}

const hexadecimal = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

async function inPieces(source: ByteSource, algorithm: HashAlgorithm): Promise<string> {
  const { start, isLittle, absorb } = ALGORITHMS[algorithm]
  const state = Int32Array.from(start)
  const piece = new Uint8Array(Math.min(PIECE, source.byteLength))
  let rest = new Uint8Array(0)
  for (let at = 0; at < source.byteLength; at += PIECE) {
    const part = piece.subarray(0, Math.min(PIECE, source.byteLength - at))
    await source.read(at, part)
    const whole = part.length - (part.length % BLOCK)
    absorb(state, part.subarray(0, whole))
    rest = part.slice(whole)
  }
  const end = new Uint8Array(rest.length + 9 <= BLOCK ? BLOCK : 2 * BLOCK)
  end.set(rest)
  end[rest.length] = 0x80
  new DataView(end.buffer).setBigUint64(end.length - 8, BigInt(source.byteLength) * 8n, isLittle)
  absorb(state, end)
  const digest = new DataView(new ArrayBuffer(4 * state.length))
  state.forEach((word, i) => {
    digest.setInt32(4 * i, word, isLittle)
  })
  return hexadecimal(new Uint8Array(digest.buffer))
}

function absorbMd5(state: Int32Array, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < bytes.length; at += BLOCK) {
    let a = state[0] as number
    let b = state[1] as number
    let c = state[2] as number
    let d = state[3] as number
    for (let i = 0; i < 64; i++) {
      const round = i >> 4
      const mixed = round === 0 ? (b & c) | (~b & d) : round === 1 ? (d & b) | (~d & c) : round === 2 ? b ^ c ^ d : c ^ (b | ~d)
      const place = round === 0 ? i : round === 1 ? 5 * i + 1 : round === 2 ? 3 * i + 5 : 7 * i
      const sum = (a + mixed + (SINES[i] as number) + view.getInt32(at + (place & 15) * 4, true)) | 0
      const shift = MD5_SHIFTS[round as 0][i & 3] as number
      a = d
      d = c
      c = b
      b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0
    }
    state[0] = (state[0] as number) + a
    state[1] = (state[1] as number) + b
    state[2] = (state[2] as number) + c
    state[3] = (state[3] as number) + d
  }
}

/** The message schedule; nothing waits while it is in use. */
const words = new Int32Array(64)

function absorbSha256(state: Int32Array, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < bytes.length; at += BLOCK) {
    for (let i = 0; i < 16; i++) words[i] = view.getInt32(at + 4 * i)
    for (let i = 16; i < 64; i++) {
      const x = words[i - 15] as number
      const y = words[i - 2] as number
      const low = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)
      const high = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10)
      words[i] = ((words[i - 16] as number) + low + (words[i - 7] as number) + high) | 0
    }
    let a = state[0] as number
    let b = state[1] as number
    let c = state[2] as number
    let d = state[3] as number
    let e = state[4] as number
    let f = state[5] as number
    let g = state[6] as number
    let h = state[7] as number
    for (let i = 0; i < 64; i++) {
      const high = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
      const first = (h + high + ((e & f) ^ (~e & g)) + (SHA_ROUNDS[i] as number) + (words[i] as number)) | 0
      const low = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
      const second = (low + ((a & b) ^ (a & c) ^ (b & c))) | 0
      h = g
      g = f
      f = e
      e = (d + first) | 0
      d = c
      c = b
      b = a
      a = (first + second) | 0
    }
    state[0] = (state[0] as number) + a
    state[1] = (state[1] as number) + b
    state[2] = (state[2] as number) + c
    state[3] = (state[3] as number) + d
    state[4] = (state[4] as number) + e
    state[5] = (state[5] as number) + f
    state[6] = (state[6] as number) + g
    state[7] = (state[7] as number) + h
  }
}
