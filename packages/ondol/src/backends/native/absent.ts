/** What takes the native backend's place where there are no add-ons: in browsers. */
import { BackendError } from '../../core/errors.js'
import type { Backend } from '../../engine/backend.js'

export function createNativeBackend(): Backend {
  throw new BackendError({ where: 'native', problem: 'there is no native backend in a browser', hint: "use setBackend('wasm')" })
}
