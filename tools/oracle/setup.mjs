/**
 * Makes the Python environment with the peers and oracles: Keras, TensorFlow, PyTorch, JAX, h5py, ONNX.
 * ONDOL_PYTHON_ENV says where (default: .venv in the repository). Looks first and is quick when all is there.
 * What cannot be had is reported and left out; that is never an error.
 *
 * Run: node tools/oracle/setup.mjs [names]      (all peers, or those named: numpy keras jax)
 */
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run, tryRun } from '../setup/command.mjs'
import { note, phase } from '../setup/say.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const PYTHON = '3.11'
const CPU_INDEX = 'https://download.pytorch.org/whl/cpu'

/** What each name means to pip; several ways are tried in turn. PyTorch's default wheels would bring gigabytes of CUDA along. */
const PEERS = [
  { module: 'numpy', version: '2', ways: [['numpy>=2,<3']] },
  { module: 'h5py', version: '3', ways: [['h5py>=3,<4']] },
  { module: 'onnx', version: '1.', ways: [['onnx>=1.16,<2']] },
  { module: 'onnxruntime', version: '1.', ways: [['onnxruntime>=1.18,<2']] },
  { module: 'keras', version: '3.15.1', ways: [['keras==3.15.1']] },
  { module: 'PIL', distribution: 'pillow', version: '', ways: [['pillow>=10']] },
  { module: 'jax', version: '0.10.2', ways: [['jax[cpu]==0.10.2']] },
  { module: 'tensorflow', distribution: 'tensorflow_cpu', version: '2.21', ways: [['tensorflow-cpu==2.21.*'], ['tensorflow==2.21.*']] },
  { module: 'torch', version: '2.13', ways: [['torch==2.13.0+cpu'], ['torch==2.13.*', '--index-url', CPU_INDEX]] },
]

/** Where the environment lies, there or not. */
export const pythonFolder = () => process.env.ONDOL_PYTHON_ENV || join(root, '.venv')

/** The environment's Python, or undefined if there is none. */
export function pythonPath() {
  const path = join(pythonFolder(), process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python')
  return existsSync(path) ? path : undefined
}

/** Installed versions by module name, read from the metadata folders: nothing is imported. */
export function installedPeers() {
  const library = join(pythonFolder(), `lib/python${PYTHON}/site-packages`)
  if (!existsSync(library)) return new Map()
  const folders = readdirSync(library).filter((name) => name.endsWith('.dist-info'))
  const versionOf = ({ module, distribution = module }) =>
    folders
      .find((name) => name.toLowerCase().startsWith(`${distribution}-`))
      ?.slice(distribution.length + 1)
      .replace('.dist-info', '')
  return new Map(PEERS.map((peer) => [peer.module, versionOf(peer)]))
}

const isThere = (peer, installed) => installed.get(peer.module)?.startsWith(peer.version) ?? false

function makeEnvironment() {
  if (pythonPath() !== undefined) return true
  const python = [`python${PYTHON}`, 'python3'].find((name) => tryRun(name, ['--version'])?.startsWith(`Python ${PYTHON}`))
  if (python === undefined) {
    note(`Python ${PYTHON} is missing: no oracle and no Python peers.`, `On Debian: apt-get install python${PYTHON}-venv`)
    return false
  }
  phase(`making a Python environment in ${pythonFolder()}`, () => run(python, ['-m', 'venv', pythonFolder()]))
  return true
}

function install(peer) {
  const pip = [pythonPath(), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--prefer-binary']]
  for (const way of peer.ways) if (tryRun(pip[0], [...pip[1], ...way]) !== undefined) return
  throw new Error(`${peer.module} ${peer.version} cannot be installed`)
}

/** Installs what is missing of `names` (all, if none is named); returns those that could not be had. */
export function setUpPython(names = []) {
  const wanted = PEERS.filter((peer) => names.length === 0 || names.includes(peer.module))
  if (!makeEnvironment()) return wanted.map((peer) => peer.module)
  const missing = wanted.filter((peer) => !isThere(peer, installedPeers()))
  return missing
    .filter((peer) => {
      try {
        phase(`installing ${peer.module} ${peer.version} for Python`, () => install(peer))
        return false
      } catch (error) {
        note(`${error.message}; going on without it`)
        return true
      }
    })
    .map((peer) => peer.module)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  setUpPython(process.argv.slice(2))
  for (const [module, version] of installedPeers()) console.log(`${module} ${version ?? 'missing'}`)
}
