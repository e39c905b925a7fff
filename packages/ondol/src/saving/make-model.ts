/** Makes a model of a stranger's description: names resolve in registries, and it takes no more room than its file speaks for. */
import { type CustomObjects, customObjectScope } from '../core/custom-objects.js'
import { OndolError, SavingError } from '../core/errors.js'
import { isSerializedObject } from '../core/spelling.js'
import { knowAllLayers } from '../layers/known.js'
import type { Layer } from '../layers/layer.js'
import { deserialize } from '../layers/serialization.js'
import type { SerializedLayer } from '../layers/sharing.js'
import { withWeightBudget } from '../layers/weight-budget.js'

/** Bytes of weights for each byte of the file: datasets may be packed. */
const PACKING = 4
/** Weights that are in no file: layers of a model's class may make such. */
const BESIDES = 2 ** 24

export interface MakeOptions {
  /** The place of the description. */
  readonly where: string
  /** Bytes of the file that has the weights. */
  readonly byteLength: number
  readonly customObjects: CustomObjects
  readonly compile: boolean
}

/** @throws SavingError, whatever is wrong with the description. */
export function makeModel(description: unknown, { where, byteLength, customObjects, compile }: MakeOptions): Layer {
  knowAllLayers()
  if (!isSerializedObject(description)) throw new SavingError({ where, problem: 'it does not describe a model' })
  const config: SerializedLayer = compile ? description : { ...(description as SerializedLayer), compile_config: null }
  return explaining(where, () =>
    withWeightBudget(PACKING * byteLength + BESIDES, () => customObjectScope(customObjects, () => deserialize(config, customObjects))),
  )
}

/** Everything that goes wrong in `body` is the description's fault. */
export function explaining<R>(where: string, body: () => R): R {
  try {
    return body()
  } catch (error) {
    if (error instanceof SavingError) throw error.within(where)
    const message = error instanceof OndolError ? `${error.where ?? ''} ${error.problem}`.trim() : (error as Error).message
    throw new SavingError({ where, problem: `no model can be made of this description: ${message}`, cause: error })
  }
}
