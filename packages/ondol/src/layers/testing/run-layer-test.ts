/** What every layer must do, in one function; in the spirit of Keras's `run_layer_test`. */
import { describe, it } from 'vitest'
import { CHECKS, type Check } from './checks/index.js'
import { type LayerCase, Subject } from './layer-case.js'

/** Declares a test for each check. One that the layer cannot pass must fail, lest its reason outlive it. */
export function runLayerTest(title: string, layerCase: LayerCase): void {
  describe(title, () => {
    for (const [name, check] of Object.entries<Check>(CHECKS)) {
      const reason = layerCase.without?.[name as keyof typeof CHECKS]
      if (reason === undefined) it(name, () => check(new Subject(layerCase)))
      else it.fails(`${name}: not, since ${reason}`, () => check(new Subject(layerCase)))
    }
  })
}
