/** Finding and loading the C++ add-on, and its face in TypeScript. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { TypedArray } from '../../core/dtype.js'
import { BackendError } from '../../core/errors.js'

/** What the add-on exports. Memory and programs are numbers; failures carry a `code`. */
export interface Addon {
  allocate(bytes: number): number
  free(memory: number): void
  write(memory: number, storage: TypedArray): void
  /** Fills `into` when everything queued before is done. */
  read(memory: number, into: TypedArray): Promise<TypedArray>
  readNow(memory: number, into: TypedArray): TypedArray
  finish(): Promise<void>
  load(code: Float64Array, constants: readonly TypedArray[]): number
  unload(program: number): void
  /** `memories` are inputs, then outputs; `renewed`: a lasting input may have another content than in the run before. */
  run(program: number, memories: Uint32Array, renewed: boolean): void
  scratchBytes(program: number): number
  /** Estimated nanoseconds on one thread. */
  programCost(program: number): number
  /** Nanoseconds of each of the plan's steps, those of inner plans after their step, since the last call; measured from the first call on, a program's first run left out. Ask when the queue is idle. */
  stepTimes(program: number): number[]
  allocatedBytes(): number
  info(): AddonInfo
}

export interface AddonInfo {
  readonly ops: readonly string[]
  readonly kernels: readonly string[]
  readonly oneDNN: string
  readonly simd: string
  /** Loops of so many points and more run as machine code of their own; Infinity where none does. `ONDOL_LOOP_CODE=always|never` asks for another choice. */
  readonly codeFrom: number
  readonly threads: number
}

const require = createRequire(import.meta.url)
const PLATFORM_PACKAGE = `@ondol/native-${process.platform}-${process.arch}`
/** The repository's own build; from src/ and from dist/ alike. */
const OWN_BUILD = fileURLToPath(new URL('../../../../native/build/ondol_native.node', import.meta.url))

/**
 * Loads the add-on: the file that ONDOL_NATIVE_PATH names, else the platform's package, else the repository's build.
 *
 * @throws BackendError that says what is missing and how to get it.
 */
export function loadAddon(): Addon {
  const asked = process.env.ONDOL_NATIVE_PATH
  if (asked !== undefined && asked !== '') return open(asked)
  const installed = resolveOptional(PLATFORM_PACKAGE)
  if (installed !== undefined) return open(installed)
  if (existsSync(OWN_BUILD)) return open(OWN_BUILD)
  throw new BackendError({
    where: 'native',
    problem: 'the native add-on is not installed',
    expected: `the package ${PLATFORM_PACKAGE}, or a build of packages/native`,
    hint: `npm install ${PLATFORM_PACKAGE}; in the repository: npm run build:native (needs a C++ compiler and oneDNN, on Debian g++ and libdnnl-dev); or use setBackend('wasm')`,
  })
}

function resolveOptional(name: string): string | undefined {
  try {
    return require.resolve(name)
  } catch {
    return undefined
  }
}

/**
 * OpenMP reads its settings when it is loaded. Its threads should wait actively for the microseconds between
 * the loops of a step, and sleep between steps.
 */
const OPENMP_SETTINGS = { GOMP_SPINCOUNT: '20000', OMP_DYNAMIC: 'false' }

function open(path: string): Addon {
  const added = Object.entries(OPENMP_SETTINGS).filter(([name]) => process.env[name] === undefined)
  for (const [name, value] of added) process.env[name] = value
  try {
    return require(path) as Addon
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const isMissingLibrary = reason.includes('libdnnl') || reason.includes('libgomp')
    throw new BackendError({
      where: 'native',
      problem: `the native add-on cannot be loaded: ${reason}`,
      received: path,
      hint: isMissingLibrary
        ? 'install oneDNN and OpenMP (Debian: apt-get install libdnnl2 libgomp1)'
        : "build it again (npm run build:native), or use setBackend('wasm')",
      cause,
    })
  } finally {
    for (const [name] of added) delete process.env[name]
  }
}
