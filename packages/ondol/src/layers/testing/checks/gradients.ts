/** Gradients in float64 against finite differences, along some directions of each input and weight. */
import { expect } from 'vitest'
import { isFloat } from '../../../core/dtype.js'
import { GradientTape, type Tensor } from '../../../engine/index.js'
import * as ops from '../../../ops/index.js'
import { type Subject, wave } from '../layer-case.js'

/** How far to go, and what is left of the differences then: some weights are float32 whatever the layer computes in. */
const STEPS = { float64: [1e-6, 1e-5], float32: [1e-2, 1e-3] } as const
const PHASES = [0.1, 2.3]

export const hasGradients =
  (training: boolean) =>
  (subject: Subject): void => {
    const layer = subject.makeBuilt({ dtype: 'float64' })
    const { variables, trainableVariables } = layer
    const state = variables.map((variable) => variable.uncastValue)
    // Random numbers and moving averages start from the same state each time.
    const run = (inputs: readonly Tensor[]): Tensor => {
      const outputs = subject.call(layer, inputs, { training }).filter(({ dtype }) => isFloat(dtype))
      const terms = outputs.map((output, i) => ops.sum(ops.multiply(ops.cast(output, 'float64'), wave(output.shape, 'float64', i + 0.7))))
      return [...terms, ...layer.losses].reduce((a, b) => ops.add(a, ops.cast(b, 'float64')), ops.zeros([], 'float64'))
    }
    const restore = (): void => variables.forEach((variable, i) => variable.assign(state[i] as Tensor))

    const inputs = subject.inputs('float64')
    const floats = inputs.filter(({ dtype }) => isFloat(dtype))
    using tape = new GradientTape()
    tape.watch(floats)
    const total = run(inputs)
    const sources = [...floats, ...trainableVariables]
    const gradients = tape.gradient(total, sources) as (Tensor | null)[]
    expect(sources.length, 'something to differentiate by').toBeGreaterThan(0)

    sources.forEach((source, i) => {
      const [step, tolerance] = STEPS[source.dtype as keyof typeof STEPS]
      for (const phase of PHASES) {
        const direction = wave(source.shape, source.dtype, phase)
        const at = (distance: number): number => {
          restore()
          const shift = ops.multiply(direction, distance)
          if (i < floats.length) return run(inputs.map((x) => (x === source ? ops.add(x, shift) : x))).dataSync()[0] as number
          trainableVariables[i - floats.length]?.assignAdd(shift)
          return run(inputs).dataSync()[0] as number
        }
        const slope = (at(step) - at(-step)) / (2 * step)
        const gradient = gradients[i]
        const found = gradient == null ? 0 : (ops.sum(ops.multiply(gradient, direction)).dataSync()[0] as number)
        const what = i < floats.length ? `input ${i}` : trainableVariables[i - floats.length]?.path
        expect(Math.abs(found - slope), `by ${what}: ${found} instead of ${slope}`).toBeLessThanOrEqual(
          tolerance * Math.max(1, Math.abs(slope)),
        )
      }
    })
  }
