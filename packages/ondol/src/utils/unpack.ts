/** Archives unpacked into a folder: tar, tar.gz and zip. Names that lead out of the folder are refused. */
import { platform } from '#platform'
import { sourceOf } from '../core/bytes.js'
import { DataError, ValueError } from '../core/errors.js'
import { gunzip, isGzip } from '../datasets/gzip.js'
import { ZipReader } from '../saving/zip/reader.js'

export type ArchiveFormat = 'auto' | 'tar' | 'zip'

/** More than this does not come out of a packed file. */
const LIMIT = 2 ** 33

const isZip = (bytes: Uint8Array): boolean => bytes[0] === 0x50 && bytes[1] === 0x4b

/** @throws DataError when it is no archive of the format, or damaged. */
export async function unpack(bytes: Uint8Array, folder: string, format: ArchiveFormat, where: string): Promise<void> {
  if (!['auto', 'tar', 'zip'].includes(format))
    throw new ValueError({ where, problem: 'unknown archive format', expected: "'auto', 'tar' or 'zip'", received: format })
  if (format !== 'tar' && isZip(bytes)) return unpackZip(bytes, folder, where)
  if (format === 'zip') throw new DataError({ where, problem: 'this is no zip file' })
  const content = isGzip(bytes) ? await gunzip(bytes, LIMIT, where) : bytes
  for (const { name, data } of tarMembers(content, where)) await platform.writeFile(placeOf(folder, name, where), data)
}

async function unpackZip(bytes: Uint8Array, folder: string, where: string): Promise<void> {
  const reader = await ZipReader.open(sourceOf(bytes, where))
  for (const name of reader.members.keys()) await platform.writeFile(placeOf(folder, name, where), await reader.read(name, LIMIT))
}

function placeOf(folder: string, name: string, where: string): string {
  const parts = name.split(/[\\/]/)
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name) || parts.includes('..') || name.includes('\0'))
    throw new DataError({ where, problem: 'a name in the archive leads out of its folder', received: JSON.stringify(name) })
  return `${folder}/${parts.filter((part) => part !== '' && part !== '.').join('/')}`
}

/** Plain files in a tar archive (POSIX ustar, and GNU's long names). */
function* tarMembers(bytes: Uint8Array, where: string): Generator<{ name: string; data: Uint8Array }> {
  const text = (from: number, length: number): string => {
    const field = bytes.subarray(from, from + length)
    const end = field.indexOf(0)
    return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end))
  }
  let longName: string | undefined
  for (let at = 0; at + 512 <= bytes.length; ) {
    if (bytes.subarray(at, at + 512).every((byte) => byte === 0)) return
    const sum = bytes.subarray(at, at + 512).reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0)
    if (Number.parseInt(text(at + 148, 8), 8) !== sum) throw new DataError({ where, problem: 'this is no tar file, or it is damaged' })
    const size = Number.parseInt(text(at + 124, 12), 8)
    const start = at + 512
    if (!(size >= 0) || start + size > bytes.length) throw new DataError({ where, problem: 'the tar file ends too early' })
    const type = String.fromCharCode(bytes[at + 156] as number)
    const prefix = text(at + 257, 5) === 'ustar' ? text(at + 345, 155) : ''
    const name = longName ?? (prefix === '' ? text(at, 100) : `${prefix}/${text(at, 100)}`)
    longName = type === 'L' ? text(start, size) : undefined
    if (type === '0' || type === '\0') yield { name, data: bytes.subarray(start, start + size) }
    at = start + Math.ceil(size / 512) * 512
  }
}
