/** Bob Jenkins' lookup3 `hashlittle` with seed 0: the checksum of metadata since superblock 2. http://burtleburtle.net/bob/c/lookup3.c */
export function checksum(bytes: Uint8Array): number {
  const length = bytes.byteLength
  const view = new DataView(bytes.buffer, bytes.byteOffset, length)
  let a = (0xdeadbeef + length) | 0
  let b = a
  let c = a
  let at = 0
  for (; length - at > 12; at += 12) {
    a = (a + view.getInt32(at, true)) | 0
    b = (b + view.getInt32(at + 4, true)) | 0
    c = (c + view.getInt32(at + 8, true)) | 0
    a = ((a - c) | 0) ^ rotate(c, 4)
    c = (c + b) | 0
    b = ((b - a) | 0) ^ rotate(a, 6)
    a = (a + c) | 0
    c = ((c - b) | 0) ^ rotate(b, 8)
    b = (b + a) | 0
    a = ((a - c) | 0) ^ rotate(c, 16)
    c = (c + b) | 0
    b = ((b - a) | 0) ^ rotate(a, 19)
    a = (a + c) | 0
    c = ((c - b) | 0) ^ rotate(b, 4)
    b = (b + a) | 0
  }
  if (at === length) return c >>> 0
  const last = new DataView(new ArrayBuffer(12))
  for (let i = 0; at + i < length; i++) last.setUint8(i, bytes[at + i]!)
  a = (a + last.getInt32(0, true)) | 0
  b = (b + last.getInt32(4, true)) | 0
  c = (c + last.getInt32(8, true)) | 0
  c = ((c ^ b) - rotate(b, 14)) | 0
  a = ((a ^ c) - rotate(c, 11)) | 0
  b = ((b ^ a) - rotate(a, 25)) | 0
  c = ((c ^ b) - rotate(b, 16)) | 0
  a = ((a ^ c) - rotate(c, 4)) | 0
  b = ((b ^ a) - rotate(a, 14)) | 0
  c = ((c ^ b) - rotate(b, 24)) | 0
  return c >>> 0
}

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits))
