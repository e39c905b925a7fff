/** npm packages: installed when what lies in node_modules is not what the lock file says. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './command.mjs'

/** Packages that the lock file asks for on every platform and node_modules has not (or in another version). */
export function missingNodePackages(root) {
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const hidden = join(root, 'node_modules/.package-lock.json')
  const installed = existsSync(hidden) ? JSON.parse(readFileSync(hidden, 'utf8')).packages : {}
  const isHere = (path, entry) => (entry.link ? existsSync(join(root, path)) : installed[path]?.version === entry.version)
  return Object.entries(wanted)
    .filter(([path, entry]) => path.startsWith('node_modules/') && !entry.optional && !isHere(path, entry))
    .map(([path]) => path.slice('node_modules/'.length))
}

/**
 * Installs what the lock file says and leaves the lock file alone. Not `npm ci`: it refuses a lock file
 * made where a registry lacked a package of some other platform, and it deletes what is there first.
 */
export function installNodePackages(root) {
  const args = ['install', '--no-save', '--include=dev', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
  const npm = process.env.npm_execpath
  if (npm?.endsWith('.js')) run(process.execPath, [npm, ...args], { cwd: root })
  else run('npm', args, { cwd: root, shell: process.platform === 'win32' })
}
