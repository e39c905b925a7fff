// Every op against the real Keras: values, dtypes, gradients, on each backend (tools/oracle/ops_*.py).
import { describe, expect, it } from 'vitest'
import { setBackend } from '../backends/load.js'
import { toCamelCase } from '../core/spelling.js'
import { flatten, type Tree } from '../core/tree.js'
import { GradientTape, Tensor, tensor } from '../engine/index.js'
import { elements, isVectorTensor, listVectors, readVectors, type VectorTensor } from '../testing/vectors.js'
import { backends } from '../training/testing/backends.js'
import * as ops from './index.js'

interface OpVector {
  readonly op: string
  readonly title?: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly output: unknown
  readonly tolerance?: number
  readonly cotangents?: readonly VectorTensor[]
  readonly gradients?: readonly (VectorTensor | null)[]
}

/** Values of half precision are a rounding apart when the order of a sum differs. */
const TOLERANCE: Readonly<Record<string, number>> = { float32: 1e-5, float64: 1e-12, float16: 2e-3, bfloat16: 1.6e-2 }

const load = (stored: VectorTensor): Tensor => tensor(elements(stored), stored.shape, stored.dtype)

/** Arguments and results: tensors decoded, NaN and infinities read back. */
function decode(value: unknown): unknown {
  if (isVectorTensor(value)) return load(value)
  if (Array.isArray(value)) return value.map(decode)
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decode(item)]))
  return value === 'NaN' || value === 'Infinity' || value === '-Infinity' ? Number(value) : value
}

const tensorsOf = (value: unknown): Tensor[] => flatten(value as Tree<unknown>).filter((leaf) => leaf instanceof Tensor)

type AnyFunction = (...args: readonly unknown[]) => unknown

/** `ops.oneHot` for `one_hot`, `ops.image.resize` for `image.resize`. */
function find(path: string): AnyFunction {
  let found: unknown = ops
  for (const part of path.split('.')) found = (found as Record<string, unknown>)[toCamelCase(part)]
  if (typeof found !== 'function') throw new Error(`ops.${path} is missing`)
  return found as AnyFunction
}

function call({ op, kwargs }: OpVector, args: readonly unknown[]): unknown {
  const options = Object.entries(kwargs).map(([key, value]) => [toCamelCase(key), decode(value)])
  return options.length === 0 ? find(op)(...args) : find(op)(...args, Object.fromEntries(options))
}

/** Equal within `tolerance`, relative to the largest number expected (at least 1). */
function expectClose(actual: unknown, expected: VectorTensor, tolerance: number | undefined, what: string): void {
  if (!(actual instanceof Tensor)) throw new Error(`${what}: no tensor, but ${String(actual)}`)
  expect(actual.shape, `${what}: shape`).toEqual(expected.shape)
  expect(actual.dtype, `${what}: dtype`).toBe(expected.dtype)
  const wanted = Float64Array.from(elements(expected))
  const scale = wanted.reduce((largest, value) => (Number.isFinite(value) ? Math.max(largest, Math.abs(value)) : largest), 1)
  const allowed = (tolerance ?? TOLERANCE[expected.dtype] ?? 0) * scale
  actual.dataSync().forEach((value, i) => {
    const number = Number(value)
    const want = wanted[i] as number
    if (Object.is(number, want) || (Number.isNaN(number) && Number.isNaN(want)) || Math.abs(number - want) <= allowed) return
    expect.fail(`${what}[${i}]: ${number} instead of ${want}`)
  })
}

/** Structures of the same form, tensors close, the rest equal. */
function expectSame(actual: unknown, expected: unknown, vector: OpVector, what: string): void {
  if (isVectorTensor(expected)) expectClose(actual, expected, vector.tolerance, what)
  else if (Array.isArray(expected)) {
    expect((actual as unknown[]).length, `${what}: length`).toBe(expected.length)
    expected.forEach((item, i) => {
      expectSame((actual as unknown[])[i], item, vector, `${what}[${i}]`)
    })
  } else expect(actual, what).toEqual(decode(expected))
}

const titleOf = ({ op, kwargs, title }: OpVector): string => `${op} ${title ?? JSON.stringify(kwargs).slice(0, 100)}`

describe.each(listVectors('ops'))('%s', (file) => {
  const vectors = readVectors<OpVector[]>(`ops/${file}`)
  describe.each(backends)('on %s', (backend) => {
    it.each(vectors.map((vector, i) => [`${i} ${titleOf(vector)}`, vector] as const))('%s', async (_, vector) => {
      await setBackend(backend)
      const args = vector.args.map(decode)
      const given = tensorsOf(args)
      using tape = new GradientTape()
      const differentiable = given.filter((_leaf, i) => vector.gradients?.[i] != null)
      tape.watch(differentiable)
      const output = call(vector, args)
      expectSame(output, vector.output, vector, 'output')
      if (vector.cotangents === undefined) return
      const found = tensorsOf(output).filter(({ dtype }) => dtype === 'float32')
      const objective = found
        .map((part, i) => ops.sum(ops.multiply(part, load((vector.cotangents as VectorTensor[])[i] as VectorTensor))))
        .reduce((a, b) => ops.add(a, b))
      const gradients = tape.gradient(objective, differentiable)
      const wanted = (vector.gradients ?? []).filter((gradient) => gradient !== null)
      gradients.forEach((gradient, i) => {
        // Keras gives zeros where nothing depends on an argument, a tape nothing.
        const want = wanted[i] as VectorTensor
        if (gradient === null) expect(Math.max(...Array.from(elements(want), Math.abs)), `gradient ${i}`).toBe(0)
        else expectClose(gradient, want, vector.tolerance, `gradient ${i}`)
      })
    })
  })
})
