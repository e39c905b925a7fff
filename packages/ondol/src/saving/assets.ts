/** Files that layers keep in an archive besides weights, such as the vocabulary of a text layer. */
import { SavingError } from '../core/errors.js'
import { type Archive, ASSETS } from './archive.js'
import { type CustomState, placesOf, type Saveable } from './saveable.js'

/** All files of `model`, by their names in the archive. */
export function savedAssets(model: Saveable): [member: string, bytes: Uint8Array][] {
  return placesOf(model).flatMap(({ object, paths }) => {
    const { saveAssets } = object as CustomState
    if (saveAssets === undefined) return []
    return Object.entries(saveAssets.call(object)).map(([name, content]): [string, Uint8Array] => {
      if (!/^[^/\\:\0]+$/.test(name) || name === '..' || name === '.')
        throw new SavingError({ where: object.name, problem: 'this is no name for an asset', received: JSON.stringify(name) })
      return [folderOf(paths[0] as string) + name, typeof content === 'string' ? new TextEncoder().encode(content) : content]
    })
  })
}

const folderOf = (path: string): string => (path === '' ? ASSETS : `${ASSETS}${path}/`)

/** Gives each object in `model` the files that are in its folder. */
export async function loadAssets(model: Saveable, archive: Archive): Promise<void> {
  if (!archive.members.some((member) => member.startsWith(ASSETS))) return
  for (const { object, paths } of placesOf(model)) {
    const { loadAssets: load } = object as CustomState
    if (load === undefined) continue
    for (const path of paths) {
      const folder = folderOf(path)
      const members = archive.members.filter((member) => member.startsWith(folder) && !member.slice(folder.length).includes('/'))
      if (members.length === 0) continue
      const files = new Map<string, Uint8Array>()
      for (const member of members) files.set(member.slice(folder.length), await archive.asset(member))
      load.call(object, files)
      break
    }
  }
}
