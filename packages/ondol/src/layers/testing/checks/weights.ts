/** Weights as Keras makes them: when, in which order, under which names. */
import { expect } from 'vitest'
import { sizeOf } from '../../../core/shape.js'
import type { Variable } from '../../../engine/index.js'
import type { Layer } from '../../layer.js'
import { deserializeLayersIn } from '../../serialization.js'
import type { Subject } from '../layer-case.js'

const names = (variables: readonly Variable[]): string[] => variables.map(({ name }) => name)

const inside = (layer: Layer): Layer[] => [layer, ...layer.sublayers.flatMap(inside)]

export function makesWeights(subject: Subject): void {
  const { trainable = [], nonTrainable = [], seedGenerators = 0, losses = 0 } = subject.given
  const layer = subject.make({ name: 'it' })
  expect(layer.built).toBe(subject.builtWhenMade)
  layer.build(...subject.place(subject.inputShapes))
  expect(layer.built).toBe(true)
  expect(names(layer.trainableWeights)).toEqual(trainable)
  expect(names(layer.nonTrainableWeights)).toEqual(nonTrainable)
  expect(new Set(inside(layer).flatMap((each) => each.seedGenerators)).size).toBe(seedGenerators)
  expect(layer.variables.length).toBe(trainable.length + nonTrainable.length + seedGenerators)
  expect(new Set(layer.weights.map(({ path }) => path)).size).toBe(layer.weights.length)
  for (const { path, name } of layer.weights) expect(path).toMatch(new RegExp(`^it/(.*/)?${name}$`))
  expect(layer.countParams()).toBe(layer.weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0))
  subject.call(layer)
  expect(layer.losses.length).toBe(losses)
  expect(layer.weights.length).toBe(trainable.length + nonTrainable.length)
  layer.trainable = false
  expect(layer.trainableWeights).toEqual([])
  expect(names(layer.nonTrainableWeights).sort()).toEqual([...trainable, ...nonTrainable].sort())
}

/** A subclass with a build of its own is not taken for built. */
export function leavesSubclassesToBeBuilt(subject: Subject): void {
  if (!subject.builtWhenMade) return
  const Class = subject.make().constructor as unknown as new (...args: readonly unknown[]) => Layer
  let hasRun = false
  class Built extends Class {
    override build(): void {
      hasRun = true
    }
  }
  const layer = (Built as unknown as typeof Layer).fromConfig(deserializeLayersIn(subject.make().getConfig()) as Record<string, unknown>)
  expect(layer.built).toBe(false)
  subject.call(layer)
  expect(hasRun).toBe(true)
}
