/**
 * The hashes that Keras's layers put strings into bins with: FarmHash's Fingerprint64 (Pike & Alakuijala), SipHash-2-4
 * with a key (Aumasson & Bernstein), and TensorFlow's way of crossing fingerprints. All arithmetic is modulo 2^64.
 */

const u64 = (x: bigint): bigint => BigInt.asUintN(64, x)
const rotateRight = (x: bigint, by: bigint): bigint => u64((x >> by) | (x << (64n - by)))
const shiftMix = (x: bigint): bigint => x ^ (x >> 47n)

const K0 = 0xc3a5c85c97cb3127n
const K1 = 0xb492b66fbe98f273n
const K2 = 0x9ae16a3b2f90404fn

const encoder = new TextEncoder()
const viewOf = (text: string): DataView => {
  const bytes = encoder.encode(text)
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function hashLength16(u: bigint, v: bigint, multiplier: bigint): bigint {
  let a = u64((u ^ v) * multiplier)
  a ^= a >> 47n
  let b = u64((v ^ a) * multiplier)
  b ^= b >> 47n
  return u64(b * multiplier)
}

function hashUpTo16(s: DataView): bigint {
  const length = s.byteLength
  const multiplier = K2 + BigInt(length) * 2n
  if (length >= 8) {
    const a = u64(s.getBigUint64(0, true) + K2)
    const b = s.getBigUint64(length - 8, true)
    const c = u64(rotateRight(b, 37n) * multiplier + a)
    const d = u64((rotateRight(a, 25n) + b) * multiplier)
    return hashLength16(c, d, multiplier)
  }
  if (length >= 4) {
    const a = BigInt(s.getUint32(0, true))
    return hashLength16(BigInt(length) + (a << 3n), BigInt(s.getUint32(length - 4, true)), multiplier)
  }
  if (length > 0) {
    const y = BigInt(s.getUint8(0)) + (BigInt(s.getUint8(length >> 1)) << 8n)
    const z = BigInt(length) + (BigInt(s.getUint8(length - 1)) << 2n)
    return u64(shiftMix(u64(y * K2) ^ u64(z * K0)) * K2)
  }
  return K2
}

function hash17To32(s: DataView): bigint {
  const length = s.byteLength
  const multiplier = K2 + BigInt(length) * 2n
  const a = u64(s.getBigUint64(0, true) * K1)
  const b = s.getBigUint64(8, true)
  const c = u64(s.getBigUint64(length - 8, true) * multiplier)
  const d = u64(s.getBigUint64(length - 16, true) * K2)
  return hashLength16(u64(rotateRight(u64(a + b), 43n) + rotateRight(c, 30n) + d), u64(a + rotateRight(u64(b + K2), 18n) + c), multiplier)
}

function hash33To64(s: DataView): bigint {
  const length = s.byteLength
  const multiplier = K2 + BigInt(length) * 2n
  const a = u64(s.getBigUint64(0, true) * K2)
  const b = s.getBigUint64(8, true)
  const c = u64(s.getBigUint64(length - 8, true) * multiplier)
  const d = u64(s.getBigUint64(length - 16, true) * K2)
  const y = u64(rotateRight(u64(a + b), 43n) + rotateRight(c, 30n) + d)
  const z = hashLength16(y, u64(a + rotateRight(u64(b + K2), 18n) + c), multiplier)
  const e = u64(s.getBigUint64(16, true) * multiplier)
  const f = s.getBigUint64(24, true)
  const g = u64((y + s.getBigUint64(length - 32, true)) * multiplier)
  const h = u64((z + s.getBigUint64(length - 24, true)) * multiplier)
  return hashLength16(u64(rotateRight(u64(e + f), 43n) + rotateRight(g, 30n) + h), u64(e + rotateRight(u64(f + a), 18n) + g), multiplier)
}

/** 32 bytes from `at` on, mixed with two seeds. */
function weakHash32(s: DataView, at: number, seedA: bigint, seedB: bigint): [bigint, bigint] {
  const [w, x, y, z] = [0, 8, 16, 24].map((offset) => s.getBigUint64(at + offset, true)) as [bigint, bigint, bigint, bigint]
  const first = u64(seedA + w)
  const a = u64(first + x + y)
  const b = u64(rotateRight(u64(seedB + first + z), 21n) + rotateRight(a, 44n))
  return [u64(a + z), u64(b + first)]
}

function hashLong(s: DataView): bigint {
  const length = s.byteLength
  const tail = (length - 1) & 63
  let x = u64(81n * K2 + s.getBigUint64(0, true))
  let y = u64(81n * K1 + 113n)
  let z = u64(shiftMix(u64(y * K2 + 113n)) * K2)
  let [v0, v1, w0, w1] = [0n, 0n, 0n, 0n]
  const end = Math.floor((length - 1) / 64) * 64
  for (let at = 0; at < end; at += 64) {
    x = u64(rotateRight(u64(x + y + v0 + s.getBigUint64(at + 8, true)), 37n) * K1)
    y = u64(rotateRight(u64(y + v1 + s.getBigUint64(at + 48, true)), 42n) * K1)
    x ^= w1
    y = u64(y + v0 + s.getBigUint64(at + 40, true))
    z = u64(rotateRight(u64(z + w0), 33n) * K1)
    ;[v0, v1] = weakHash32(s, at, u64(v1 * K1), u64(x + w0))
    ;[w0, w1] = weakHash32(s, at + 32, u64(z + w1), u64(y + s.getBigUint64(at + 16, true)))
    ;[z, x] = [x, z]
  }
  const multiplier = u64(K1 + ((z & 0xffn) << 1n))
  const at = end + tail - 63
  w0 = u64(w0 + BigInt(tail))
  v0 = u64(v0 + w0)
  w0 = u64(w0 + v0)
  x = u64(rotateRight(u64(x + y + v0 + s.getBigUint64(at + 8, true)), 37n) * multiplier)
  y = u64(rotateRight(u64(y + v1 + s.getBigUint64(at + 48, true)), 42n) * multiplier)
  x ^= u64(w1 * 9n)
  y = u64(y + v0 * 9n + s.getBigUint64(at + 40, true))
  z = u64(rotateRight(u64(z + w0), 33n) * multiplier)
  ;[v0, v1] = weakHash32(s, at, u64(v1 * multiplier), u64(x + w0))
  ;[w0, w1] = weakHash32(s, at + 32, u64(z + w1), u64(y + s.getBigUint64(at + 16, true)))
  ;[z, x] = [x, z]
  return hashLength16(u64(hashLength16(v0, w0, multiplier) + shiftMix(y) * K0 + z), u64(hashLength16(v1, w1, multiplier) + x), multiplier)
}

/** FarmHash's Fingerprint64 of the UTF-8 bytes. */
export function fingerprint64(text: string): bigint {
  const s = viewOf(text)
  if (s.byteLength <= 16) return hashUpTo16(s)
  if (s.byteLength <= 32) return hash17To32(s)
  return s.byteLength <= 64 ? hash33To64(s) : hashLong(s)
}

/** SipHash-2-4 of the UTF-8 bytes under a key of two 64-bit numbers. */
export function sipHash(text: string, [key0, key1]: readonly [bigint, bigint]): bigint {
  const s = viewOf(text)
  const [k0, k1] = [u64(key0), u64(key1)]
  let v0 = k0 ^ 0x736f6d6570736575n
  let v1 = k1 ^ 0x646f72616e646f6dn
  let v2 = k0 ^ 0x6c7967656e657261n
  let v3 = k1 ^ 0x7465646279746573n
  const rounds = (count: number): void => {
    for (let i = 0; i < count; i++) {
      v0 = u64(v0 + v1)
      v1 = rotateRight(v1, 51n) ^ v0
      v0 = rotateRight(v0, 32n)
      v2 = u64(v2 + v3)
      v3 = rotateRight(v3, 48n) ^ v2
      v0 = u64(v0 + v3)
      v3 = rotateRight(v3, 43n) ^ v0
      v2 = u64(v2 + v1)
      v1 = rotateRight(v1, 47n) ^ v2
      v2 = rotateRight(v2, 32n)
    }
  }
  const absorb = (word: bigint): void => {
    v3 ^= word
    rounds(2)
    v0 ^= word
  }
  const whole = s.byteLength & ~7
  for (let at = 0; at < whole; at += 8) absorb(s.getBigUint64(at, true))
  let last = BigInt(s.byteLength & 0xff) << 56n
  for (let at = whole; at < s.byteLength; at++) last |= BigInt(s.getUint8(at)) << BigInt(8 * (at - whole))
  absorb(last)
  v2 ^= 0xffn
  rounds(4)
  return v0 ^ v1 ^ v2 ^ v3
}

/** Two numbers as a key; one stands for both. */
export type Salt = number | readonly [number, number]

/** The bin of a string: `to_hash_bucket_fast`, or `to_hash_bucket_strong` with a salt. */
export function binOf(text: string, bins: number, salt: readonly number[] | null): number {
  const hash = salt === null ? fingerprint64(text) : sipHash(text, [BigInt(salt[0] as number), BigInt(salt[1] as number)])
  return Number(hash % BigInt(bins))
}

const CROSS_KEY = 0xdecafcaffen
const CROSS_MULTIPLIER = 0xc6a4a7935bd1e995n

/** The bin of several features together; integers stand for themselves, strings for their fingerprints. */
export function crossedBinOf(features: readonly (string | number)[], bins: number): number {
  let hash = CROSS_KEY
  for (const feature of features) {
    const print = typeof feature === 'string' ? fingerprint64(feature) : u64(BigInt(feature))
    hash ^= CROSS_MULTIPLIER
    hash ^= u64(shiftMix(u64(print * CROSS_MULTIPLIER)) * CROSS_MULTIPLIER)
    hash = u64(hash * CROSS_MULTIPLIER)
    hash = shiftMix(u64(shiftMix(hash) * CROSS_MULTIPLIER))
  }
  return Number(hash % BigInt(bins))
}
