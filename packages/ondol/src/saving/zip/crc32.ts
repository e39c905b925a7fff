/** CRC-32 as zip and gzip use it, eight bytes at a time ("slicing by 8"). */
const SLICES = 8
const TABLE = new Uint32Array(256 * SLICES)
for (let i = 0; i < 256; i++) {
  let remainder = i
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1
  TABLE[i] = remainder
}
for (let i = 256; i < TABLE.length; i++) {
  const previous = TABLE[i - 256] as number
  TABLE[i] = (previous >>> 8) ^ (TABLE[previous & 255] as number)
}

/** The checksum of `bytes`, going on from that of the bytes before them. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let crc = ~before
  let i = 0
  const table = TABLE
  const at = (slice: number, byte: number): number => table[(slice << 8) | byte] as number
  for (const end = bytes.length - SLICES; i <= end; i += SLICES) {
    crc ^= (bytes[i] as number) | ((bytes[i + 1] as number) << 8) | ((bytes[i + 2] as number) << 16) | ((bytes[i + 3] as number) << 24)
    crc =
      at(7, crc & 255) ^
      at(6, (crc >>> 8) & 255) ^
      at(5, (crc >>> 16) & 255) ^
      at(4, crc >>> 24) ^
      at(3, bytes[i + 4] as number) ^
      at(2, bytes[i + 5] as number) ^
      at(1, bytes[i + 6] as number) ^
      at(0, bytes[i + 7] as number)
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ at(0, (crc ^ (bytes[i] as number)) & 255)
  return ~crc >>> 0
}
