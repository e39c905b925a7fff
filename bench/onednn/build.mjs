/** Compiles kernels.cc against the installed oneDNN: the kernels as the library itself runs them, for comparison. */
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tryRun } from '../../tools/setup/command.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const source = join(here, 'kernels.cc')
const program = join(here, 'build', 'kernels')

/** `{ program }`, or `{ missing }` with the reason. */
export function rawOneDnn() {
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return { program }
  mkdirSync(dirname(program), { recursive: true })
  const built = tryRun('g++', ['-std=c++17', '-O2', '-fopenmp', source, '-ldnnl', '-o', program])
  return built === undefined ? { missing: 'no compiler or no oneDNN headers' } : { program }
}
