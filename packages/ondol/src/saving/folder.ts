/**
 * A model in a folder of files, replaced all at once: the new files are written beside the old, a journal with their
 * names makes them count, and only then do they get their names. Whoever reads after the process died in between
 * follows the journal; whoever saves next finishes what it says.
 */
import { platform } from '#platform'
import type { ByteSink } from '../core/bytes.js'
import { SavingError } from '../core/errors.js'
import { type Json, parseJson } from './json.js'
import { filesBelow, writeFile } from './location.js'

const JOURNAL = 'saving.json'
const ID = '[0-9a-f]{8}-[0-9a-f-]{27}'
/** What a save leaves when it is killed. */
const UNFINISHED = new RegExp(`\\.${ID}\\.(new|part)$`)
/** Names of files: the model's own, and its assets. */
const MEMBER = /^(metadata\.json|config\.json|model\.weights\.h5|assets\/[^\\:\0]+)$/

export interface MemberToWrite {
  readonly name: string
  readonly write: (sink: ByteSink) => Promise<void>
}

interface Journal {
  readonly id: string
  readonly names: readonly string[]
}

const freshName = (name: string, { id }: Pick<Journal, 'id'>): string => `${name}.${id}.new`

/** Writes the files of a model: a reader finds all of the old ones or all of the new. */
export async function replaceFolder(folder: string, members: readonly MemberToWrite[]): Promise<void> {
  await finish(folder)
  for (const name of await filesBelow(folder)) if (UNFINISHED.test(name)) await platform.remove(`${folder}/${name}`)
  const journal = { id: crypto.randomUUID(), names: members.map(({ name }) => name) }
  try {
    for (const { name, write } of members) await writeFile(`${folder}/${freshName(name, journal)}`, {}, write)
  } catch (error) {
    for (const name of journal.names) await platform.remove(`${folder}/${freshName(name, journal)}`)
    throw error
  }
  await platform.writeFile(`${folder}/${JOURNAL}`, new TextEncoder().encode(JSON.stringify(journal)))
  await finish(folder)
}

/** Does what the journal says, as far as it is not done. */
async function finish(folder: string): Promise<void> {
  const journal = await readJournal(folder)
  if (journal === undefined) return
  const files = await filesBelow(folder)
  for (const name of journal.names) {
    const fresh = freshName(name, journal)
    if (files.includes(fresh)) await platform.rename(`${folder}/${fresh}`, `${folder}/${name}`)
  }
  // What the model before had and this one has not.
  for (const name of files) if (name.startsWith('assets/') && !journal.names.includes(name)) await platform.remove(`${folder}/${name}`)
  await platform.remove(`${folder}/${JOURNAL}`)
}

/** The files of the model in a folder: the name of each, and what it is called now. */
export async function membersOf(folder: string): Promise<ReadonlyMap<string, string>> {
  const [files, journal] = [await filesBelow(folder), await readJournal(folder)]
  const there = new Set(files)
  const own = journal?.names ?? files.filter((name) => !UNFINISHED.test(name))
  return new Map(
    own.map((name) => {
      const fresh = journal === undefined ? name : freshName(name, journal)
      return [name, `${folder}/${there.has(fresh) ? fresh : name}`]
    }),
  )
}

async function readJournal(folder: string): Promise<Journal | undefined> {
  const bytes = await platform.readFile(`${folder}/${JOURNAL}`)
  if (bytes === undefined) return undefined
  const where = `${folder}/${JOURNAL}`
  const { id, names } = (parseJson(new TextDecoder().decode(bytes), where) ?? {}) as Readonly<Record<string, Json>>
  const isSafe = (name: Json): boolean => typeof name === 'string' && MEMBER.test(name) && !name.split('/').includes('..')
  if (typeof id === 'string' && new RegExp(`^${ID}$`).test(id) && Array.isArray(names) && names.every(isSafe))
    return { id, names: names as string[] }
  throw new SavingError({ where, problem: 'this is no journal of a save' })
}
