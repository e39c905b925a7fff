// The backends that can run here: host always, the others where they load.
import { setBackend } from '../../backends/load.js'
import { BackendError } from '../../core/errors.js'

type Name = 'host' | 'wasm' | 'native'

async function loads(name: Name): Promise<boolean> {
  try {
    await setBackend(name)
    return true
  } catch (error) {
    if (error instanceof BackendError) return false
    throw error
  }
}

const candidates: readonly Name[] = ['host', 'wasm', 'native']
const outcomes = await Promise.all(candidates.map(loads))

export const backends = candidates.filter((_, i) => outcomes[i])
