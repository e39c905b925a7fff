/** Folders of sounds: where they are. */
import { platform } from '#platform'
import { DataError } from '../core/errors.js'

/**
 * The first folder that has what `isPart` knows: at `path`, or under `name` in `ONDOL_DATASETS`, there or in one of the
 * `inner` folders.
 *
 * @throws DataError naming what was tried.
 */
export async function soundFolder(
  where: string,
  path: string | URL | undefined,
  name: string,
  inner: readonly string[],
  hint: string,
  isPart: (name: string) => boolean,
): Promise<string> {
  const root = platform.environment('ONDOL_DATASETS') || undefined
  const given = path instanceof URL ? decodeURIComponent(path.pathname) : path
  const outer = given ?? (root === undefined ? undefined : `${root}/${name}`)
  const tried = outer === undefined ? [] : inner.map((one) => (one === '' ? outer : `${outer}/${one}`))
  for (const folder of tried) if ((await platform.listFolder(folder)).some(isPart)) return folder
  throw new DataError({
    where,
    problem: 'there are no sounds',
    received: tried.length === 0 ? 'neither path nor ONDOL_DATASETS' : `tried ${tried.join(', ')}`,
    hint,
  })
}
