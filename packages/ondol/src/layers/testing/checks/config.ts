/** To a config and back: what Keras's `run_class_serialization_test` does, and the numbers after it. */
import { expect } from 'vitest'
import type { Layer } from '../../layer.js'
import { deserialize, deserializeLayersIn } from '../../serialization.js'
import type { Subject } from '../layer-case.js'
import { expectNear } from './near.js'

const throughJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

export function goesThroughFiles(subject: Subject): void {
  const layer = subject.make({ name: 'it' })
  const config = layer.getConfig()
  expect(throughJson(config)).toEqual(config)
  const again = deserialize(throughJson(layer.serialize()))
  expect(again.constructor).toBe(layer.constructor)
  expect(again.getConfig()).toEqual(config)
  expect(Object.keys(again).sort()).toEqual(Object.keys(layer).sort())
  const direct = (layer.constructor as typeof Layer).fromConfig(deserializeLayersIn(throughJson(config)) as Record<string, unknown>)
  expect(direct.constructor).toBe(layer.constructor)
  expect(direct.getConfig()).toEqual(config)

  const built = subject.makeBuilt({ name: 'it' })
  const rebuilt = deserialize(throughJson(built.serialize()))
  expect(rebuilt.built).toBe(true)
  expect(rebuilt.getConfig()).toEqual(built.getConfig())
  const told = ({ weights }: Layer): string[] =>
    weights.map(({ name, shape, dtype, trainable }) => `${name} (${shape}) ${dtype} ${trainable}`)
  expect(told(rebuilt)).toEqual(told(built))
  rebuilt.setWeights(built.getWeights())
  expectNear(subject.call(rebuilt), subject.call(built), 0)
  // What is drawn from a seed in the config is drawn again.
  if (built.getConfig().seed != null)
    expectNear(subject.call(rebuilt, undefined, { training: true }), subject.call(built, undefined, { training: true }), 0)
}
