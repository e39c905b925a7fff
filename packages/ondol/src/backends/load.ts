/**
 * Choosing and loading a backend. Only the one that is used is loaded: `native` if its add-on is there,
 * else `wasm`; `ONDOL_BACKEND` and `setBackend` decide otherwise.
 */
import { platform } from '#platform'
import { BackendError, ValueError } from '../core/errors.js'
import { type Backend, type BackendName, currentBackend, debugLog, hasBackend, useBackend } from '../engine/index.js'

const LOADERS = {
  host: async () => (await import('./host/index.js')).createHostBackend(),
  wasm: async () => (await import('./wasm/index.js')).createWasmBackend(),
  native: async () => (await import('#native-backend')).createNativeBackend(),
} satisfies Partial<Record<BackendName, () => Promise<Backend>>>

type Loadable = keyof typeof LOADERS

const isLoadable = (name: string): name is Loadable => Object.hasOwn(LOADERS, name)
const loaded = new Map<Loadable, Promise<Backend>>()

function load(name: Loadable): Promise<Backend> {
  let backend = loaded.get(name)
  if (backend === undefined) {
    backend = LOADERS[name]()
    loaded.set(name, backend)
    // A failure is no answer for ever: what was missing may be installed.
    backend.catch(() => loaded.delete(name))
  }
  return backend
}

/**
 * Runs everything from now on on another backend: `native`, `wasm` or `host`. Models move over as they are used.
 *
 * @throws ValueError for an unknown name, BackendError when the backend cannot run here.
 * @example
 * await setBackend('wasm')
 */
export async function setBackend(name: BackendName): Promise<void> {
  if (!isLoadable(name)) {
    throw new ValueError({
      where: 'setBackend',
      problem: 'there is no such backend',
      expected: Object.keys(LOADERS).join(', '),
      received: String(name),
    })
  }
  useBackend(await load(name))
}

/** Name of the backend in use. */
export const getBackend = (): BackendName => currentBackend().name

/** Loads the backend to start with, once. */
export async function loadDefaultBackend(): Promise<void> {
  if (hasBackend()) return
  const wanted = platform.environment('ONDOL_BACKEND')
  if (wanted !== undefined && wanted !== '') await setBackend(wanted as BackendName)
  else await useFirstThatWorks(['native', 'wasm'])
  debugLog('backend', () => currentBackend().description)
}

async function useFirstThatWorks(names: readonly Loadable[]): Promise<void> {
  const reasons: string[] = []
  for (const name of names) {
    try {
      useBackend(await load(name))
      return
    } catch (error) {
      if (!(error instanceof BackendError)) throw error
      reasons.push(`${name}: ${error.problem}`)
      debugLog('backend', () => `${name} is not available: ${error.message}`)
    }
  }
  throw new BackendError({
    where: 'ondol',
    problem: 'no backend can run here',
    received: reasons.join('; '),
    hint: "await setBackend('host') computes everywhere, slowly",
  })
}
