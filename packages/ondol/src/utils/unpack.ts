/** Archives unpacked into a folder: tar, tar.gz and zip. Names that lead out of the folder are refused. */
import { platform } from '#platform'
import type { ByteSource } from '../core/bytes.js'
import { DataError, ValueError } from '../core/errors.js'
import { ZipReader } from '../saving/zip/reader.js'
import { isGzip } from './gzip.js'
import { tarMembers } from './tar.js'

export type ArchiveFormat = 'auto' | 'tar' | 'zip'

/** More than this does not come out of an archive, in bytes and in files. */
const MOST_BYTES = 2 ** 38
const MOST_FILES = 2 ** 22

/**
 * Unpacks what is in `source` into `folder`. A folder that is not there yet appears when everything is in it: what
 * was interrupted is begun anew.
 *
 * @throws DataError when it is no archive of the format, or damaged.
 */
export async function unpack(source: ByteSource, folder: string, format: ArchiveFormat): Promise<void> {
  if (!['auto', 'tar', 'zip'].includes(format))
    throw new ValueError({ where: source.name, problem: 'unknown archive format', expected: "'auto', 'tar' or 'zip'", received: format })
  const start = new Uint8Array(Math.min(2, source.byteLength))
  await source.read(0, start)
  const isZip = start[0] === 0x50 && start[1] === 0x4b
  if (format === 'zip' && !isZip) throw new DataError({ where: source.name, problem: 'this is no zip file' })
  const isNew = (await platform.listFolder(folder)).length === 0
  const target = isNew ? `${folder}.unpacking` : folder
  if (format !== 'tar' && isZip && !isGzip(start)) await unpackZip(source, target)
  else await unpackTar(source, target)
  if (!isNew) return
  if (!(await platform.isFolder(target))) throw new DataError({ where: source.name, problem: 'there are no files in the archive' })
  await platform.rename(target, folder)
}

async function unpackTar(source: ByteSource, folder: string): Promise<void> {
  const total = new Total(source.name)
  for await (const member of tarMembers(source)) {
    const place = placeOf(folder, member.name, source.name)
    total.add(member.byteLength)
    await platform.writeParts(place, async (sink) => {
      for await (const piece of member.pieces()) await sink.write(piece)
    })
  }
}

async function unpackZip(source: ByteSource, folder: string): Promise<void> {
  const reader = await ZipReader.open(source)
  const total = new Total(source.name)
  for (const [name, { byteLength }] of reader.members) {
    total.add(byteLength)
    await platform.writeFile(placeOf(folder, name, source.name), await reader.read(name, MOST_BYTES))
  }
}

/** What has come out so far. */
class Total {
  #bytes = 0
  #files = 0

  constructor(readonly where: string) {}

  add(bytes: number): void {
    this.#bytes += bytes
    this.#files++
    if (this.#bytes > MOST_BYTES || this.#files > MOST_FILES)
      throw new DataError({
        where: this.where,
        problem: 'there is more in the archive than can be true',
        expected: `at most ${MOST_BYTES} bytes in ${MOST_FILES} files`,
      })
  }
}

function placeOf(folder: string, name: string, where: string): string {
  const parts = name.split(/[\\/]/)
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name) || parts.includes('..') || name.includes('\0'))
    throw new DataError({ where, problem: 'a name in the archive leads out of its folder', received: JSON.stringify(name) })
  return `${folder}/${parts.filter((part) => part !== '' && part !== '.').join('/')}`
}
