/** The same shapes, dtypes and numbers eagerly, compiled and on symbols, whatever sizes are known. */
import { expect } from 'vitest'
import { OndolError } from '../../../core/errors.js'
import type { Shape } from '../../../core/shape.js'
import { jit, type Tensor } from '../../../engine/index.js'
import * as ops from '../../../ops/index.js'
import type { Subject } from '../layer-case.js'
import { expectNear } from './near.js'

const openBatch = (shape: Shape): (number | null)[] => [null, ...shape.slice(1)]

export function hasShapes(subject: Subject): void {
  const { outputShapes } = subject
  const layer = subject.makeBuilt()
  const twin = subject.twinOf(layer)
  const eager = subject.call(layer)
  expect(eager.map(({ shape }) => shape)).toEqual(outputShapes)
  for (const described of [subject.describe(layer), subject.describe(subject.make())]) {
    expect(described.map(({ dtype }) => dtype)).toEqual(eager.map(({ dtype }) => dtype))
    expect(described.map(({ shape }) => shape)).toEqual(outputShapes.map(openBatch))
  }
  const compiled = jit((given: Tensor[]) => subject.call(twin, given))(subject.inputs())
  expectNear(compiled, eager, 1e-5)
  const twice = subject.inputs().map((x) => ops.concatenate([x, x], { axis: 0 }))
  expect(subject.call(layer, twice).map(({ shape }) => shape)).toEqual(
    outputShapes.map(([batch, ...rest]) => [(batch as number) * 2, ...rest]),
  )
  const [first] = subject.inputShapes as [Shape]
  for (let axis = 1; axis < first.length; axis++) checkOpenAxis(subject, axis)
}

/** Nothing, where the layer refuses the size: some must divide others. */
function orRefused(call: () => Tensor[]): Tensor[] {
  try {
    return call()
  } catch (error) {
    if (error instanceof OndolError) return []
    throw error
  }
}

/** The axis at which all inputs have the size of the first is unknown: refused, or the shapes are those of real calls. */
function checkOpenAxis(subject: Subject, axis: number): void {
  const { known = [] } = subject.given
  const [first] = subject.inputShapes as [Shape]
  const size = first[axis] as number
  const isOpen = (shape: Shape, at: number): boolean => at === axis && shape.length === first.length && shape[axis] === size
  const describe = () =>
    subject.describe(
      subject.make(),
      subject.symbols((at, _, i) => at === 0 || isOpen(subject.inputShapes[i] as Shape, at)),
    )
  if (known.includes(axis - first.length)) {
    expect(describe, `axis ${axis} unknown`).toThrow(OndolError)
    return
  }
  const described = describe()
  const layer = subject.make()
  const varies = described.map(({ shape }) => shape.map((length, at) => at > 0 && length === null))
  for (const larger of [size + 1, size + 2, size * 2, size * 3]) {
    const shapes = subject.inputShapes.map((shape) => shape.map((length, at) => (isOpen(shape, at) ? larger : length)))
    const outputs = orRefused(() => subject.call(layer, subject.inputs(undefined, shapes)))
    outputs.forEach((output, i) => {
      const open = described[i]?.shape ?? []
      expect(output.shape.length).toBe(open.length)
      output.shape.forEach((length, at) => {
        if (open[at] !== null) expect(length, `output ${i}, axis ${at}, where input axis ${axis} is ${larger}`).toBe(open[at])
        else if (at > 0 && length !== subject.outputShapes[i]?.[at]) (varies[i] as boolean[])[at] = false
      })
    })
  }
  // What is described as unknown does depend on the axis.
  expect(varies.flat(), `axis ${axis} unknown: ${described.map(({ shape }) => `(${shape})`)}`).not.toContain(true)
}
