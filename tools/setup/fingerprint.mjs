/** Tells whether a build's sources have changed since it last succeeded: paths, sizes and times, kept in a stamp file. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * A digest over files and folders (whole trees, except `skip`ped names); what does not exist counts as absent.
 *
 * @param {readonly string[]} paths
 * @param {{ skip?: readonly string[] }} options
 */
export function fingerprint(paths, { skip = [] } = {}) {
  const hash = createHash('sha256').update(process.version)
  const visit = (path) => {
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat?.isDirectory()) {
      for (const name of readdirSync(path).sort()) if (!skip.includes(name)) visit(join(path, name))
    } else hash.update(`${path}\0${stat === undefined ? 'absent' : `${stat.size}\0${stat.mtimeMs}`}\n`)
  }
  for (const path of paths) visit(path)
  return hash.digest('hex')
}

/** Runs `build` unless the stamp holds `print` already. A failing build leaves no stamp. */
export function whenChanged(stamp, print, build) {
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === print) return
  build()
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, print)
}
