/** The parts of a saved model by name: members of a `.keras` file, or files in a folder (saved with `zipped: false`). */
import { platform } from '#platform'
import type { ByteSource } from '../core/bytes.js'
import { SavingError } from '../core/errors.js'
import { membersOf } from './folder.js'
import { ZipReader } from './zip/reader.js'

export const CONFIG = 'config.json'
export const METADATA = 'metadata.json'
export const WEIGHTS = 'model.weights.h5'
export const ASSETS = 'assets/'

/** Configs of the largest models have some megabytes. */
const LONGEST_TEXT = 2 ** 28
/** A vocabulary of millions of words. */
const LARGEST_ASSET = 2 ** 30

export interface Archive {
  /** What to call it in messages. */
  readonly name: string
  readonly members: readonly string[]
  text(member: string): Promise<string>
  asset(member: string): Promise<Uint8Array>
  /** Lets `use` read a large member in ranges. */
  withMember<R>(member: string, use: (source: ByteSource) => Promise<R>): Promise<R>
}

const utf8 = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

export async function openZip(source: ByteSource): Promise<Archive> {
  const zip = await ZipReader.open(source)
  return {
    name: source.name,
    members: [...zip.members.keys()],
    text: async (member) => utf8(await zip.read(member, LONGEST_TEXT)),
    asset: (member) => zip.read(member, LARGEST_ASSET),
    withMember: async (member, use) => use(await zip.open(member)),
  }
}

/** A folder with a `config.json` in it; undefined if `path` is none. */
export async function openFolder(path: string): Promise<Archive | undefined> {
  const names = await platform.listFolder(path)
  if (!names.some((name) => name.startsWith(CONFIG))) return undefined
  const members = await membersOf(path)
  if (!members.has(CONFIG)) return undefined
  const missing = (member: string): SavingError => new SavingError({ where: path, problem: `the folder has no file '${member}'` })
  const read = async (member: string): Promise<Uint8Array> => {
    const bytes = await platform.readFile(members.get(member) ?? `${path}/${member}`)
    if (bytes === undefined) throw missing(member)
    return bytes
  }
  return {
    name: path,
    members: [...members.keys()],
    text: async (member) => utf8(await read(member)),
    asset: read,
    async withMember(member, use) {
      const file = await platform.openFile(members.get(member) ?? `${path}/${member}`)
      if (file === undefined) throw missing(member)
      try {
        return await use(file)
      } finally {
        await file.close()
      }
    },
  }
}
