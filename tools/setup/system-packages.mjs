/**
 * What npm cannot bring: a C++ compiler and oneDNN for the native backend, and the Fashion-MNIST files.
 * Debian and Ubuntu install them when we are root; anywhere else they are named, and how to get them.
 */
import { existsSync } from 'node:fs'
import { run, tryRun } from './command.mjs'

const includeFolders = () =>
  [process.env.ONEDNN_ROOT, '/usr', '/usr/local', '/opt/homebrew'].filter((root) => root !== undefined).map((root) => `${root}/include`)

/** Each need: how to see that it is met, its Debian package, and how others get it. */
const NEEDS = {
  compiler: {
    isMet: () => tryRun(process.env.CXX ?? 'g++', ['--version']) !== undefined,
    debian: 'g++',
    native: true,
    name: 'a C++ compiler',
    elsewhere: { linux: 'install g++ (Fedora: dnf install gcc-c++), or set CXX to another compiler', darwin: 'xcode-select --install' },
  },
  oneDNN: {
    isMet: () => includeFolders().some((folder) => existsSync(`${folder}/dnnl.hpp`) || existsSync(`${folder}/oneapi/dnnl/dnnl.hpp`)),
    debian: 'libdnnl-dev',
    native: true,
    name: 'oneDNN 2.6 or newer with its headers',
    elsewhere: { linux: 'Fedora: dnf install onednn-devel; or set ONEDNN_ROOT', darwin: 'brew install onednn' },
  },
  fashionMnist: {
    isMet: () => existsSync('/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz'),
    debian: 'dataset-fashion-mnist',
    native: false,
    name: 'Fashion-MNIST',
    elsewhere: {},
  },
}

/** Names of the unmet needs; those of the native backend only if it is wanted. */
export function unmetNeeds({ native }) {
  return Object.keys(NEEDS).filter((key) => (native || !NEEDS[key].native) && !NEEDS[key].isMet())
}

export const debianPackagesOf = (needs) => needs.map((key) => NEEDS[key].debian)
export const hasNativeTools = () => NEEDS.compiler.isMet() && NEEDS.oneDNN.isMet()

/** Whether this user may install Debian packages on this machine. */
export const canInstall = () => process.getuid?.() === 0 && tryRun('apt-get', ['--version']) !== undefined

export function installDebianPackages(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const patience = ['-o', 'Acquire::Retries=1', '-o', 'Acquire::http::Timeout=20', '-o', 'DPkg::Lock::Timeout=120']
  // A dead mirror in the list is no reason to stop: whether the packages can be had, the second command tells.
  tryRun('apt-get', ['update', '-qq', ...patience], { env })
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...patience, ...packages], { env })
}

/** What is missing and how to get it, in lines for people. */
export function adviceFor(needs) {
  const isDebian = existsSync('/etc/debian_version')
  const lines = needs.map((key) => {
    const { name, elsewhere } = NEEDS[key]
    const hint = isDebian ? undefined : elsewhere[process.platform]
    return hint === undefined ? `missing: ${name}` : `missing: ${name}: ${hint}`
  })
  if (isDebian) lines.push(`as root: apt-get update && apt-get install -y ${debianPackagesOf(needs).join(' ')}`)
  if (needs.some((key) => NEEDS[key].native)) lines.push('going on without the native backend: everything works on WASM, more slowly')
  if (needs.includes('fashionMnist')) lines.push('Fashion-MNIST will be downloaded when first asked for (30 MB)')
  return lines
}
