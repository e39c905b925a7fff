/** Runs a trial on a backend and on the judge, and says everything there is to know when they differ. */
import { bytesOf, type DType, type TypedArray } from '../../core/dtype.js'
import { sizeOf } from '../../core/shape.js'
import type { Backend, Memory, Program } from '../../engine/backend.js'
import { printGraph } from '../../engine/graph.js'
import type { PrimitiveName } from '../../engine/primitives.js'
import type { HostArray } from '../host/index.js'
import { type Bounded, boundGraph, given, isAllowed, numbers } from './bounds.js'
import type { Trial } from './builder.js'

/** Primitives after which even the sign of a zero is certain. */
const SIGN_KEEPING: ReadonlySet<PrimitiveName> = new Set([
  'reshape',
  'transpose',
  'broadcast',
  'slice',
  'pad',
  'concat',
  'gather',
  'scatterSet',
  'select',
  'neg',
  'abs',
  'constant',
])

const bytesFor = (dtype: DType, length: number): number => length * bytesOf(dtype)

/**
 * One run of `graph`: fresh memories in, results out, and every byte given back. Inputs and outputs
 * are freed as soon as the contract allows, and outputs hold garbage before.
 */
async function runOn(backend: Backend, program: Program, { graph, inputs }: Trial): Promise<TypedArray[]> {
  const before = backend.allocatedBytes
  const memories = inputs.map(({ dtype, storage }) => {
    const memory = backend.allocate(bytesFor(dtype, storage.length))
    backend.write(memory, storage)
    return memory
  })
  const donated = new Map(graph.donations.map(([input, output]) => [output, memories[input] as Memory]))
  const outputs = graph.outputs.map(({ dtype, shape }, i) => {
    const memory = donated.get(i)
    if (memory !== undefined) return memory
    const bytes = bytesFor(dtype, sizeOf(shape))
    const fresh = backend.allocate(bytes)
    backend.write(fresh, new Uint8Array(bytes).fill(0x5a))
    return fresh
  })
  program.run(memories, outputs)
  for (const memory of memories) if (!outputs.includes(memory)) backend.free(memory)
  const reads = graph.outputs.map(({ dtype, shape }, i) => backend.read(outputs[i] as Memory, dtype, sizeOf(shape)))
  const results = await Promise.all(reads)
  for (const memory of outputs) backend.free(memory)
  if (backend.allocatedBytes !== before) throw new Error(`${backend.allocatedBytes - before} bytes leaked`)
  return results
}

/** Throws unless the backend's results, twice, are ones the judge allows. */
export async function checkTrial(backend: Backend, trial: Trial): Promise<void> {
  const expected = boundGraph(trial.graph, trial.inputs.map(given))
  const isSigned = trial.graph.nodes.every(({ primitive }) => SIGN_KEEPING.has(primitive))
  let program: Program | undefined
  let complaint: string | undefined
  try {
    program = backend.compile(trial.graph)
    for (const attempt of ['first', 'second']) {
      const results = await runOn(backend, program, trial)
      complaint ??= expected.flatMap((judged, i) =>
        differences(judged, results[i] as TypedArray, isSigned, `output ${i} of the ${attempt} run`),
      )[0]
    }
  } catch (cause) {
    throw new Error(`${(cause as Error).message}\nwhile running\n${describeTrial(trial)}`, { cause })
  } finally {
    program?.dispose()
  }
  if (complaint !== undefined) throw new Error(`${complaint}\nby\n${describeTrial(trial)}`)
}

/** The first element that is not as it should be, if there is one, with its surroundings. */
function differences(judged: Bounded, storage: TypedArray, isSigned: boolean, which: string): string[] {
  const { array, error } = judged
  const result: HostArray = { ...array, storage }
  const index = firstDifference(judged, result, isSigned)
  if (index === undefined) return []
  return [
    [
      `${which} differs at element ${index}:`,
      `expected ${numbers(array)[index]} ± ${error[index]}, received ${numbers(result)[index]}`,
      `expected: ${list(array, index)}`,
      `received: ${list(result, index)}`,
    ].join('\n'),
  ]
}

function firstDifference({ array, error }: Bounded, result: HostArray, isSigned: boolean): number | undefined {
  const actual = numbers(result)
  const expected = numbers(array)
  if (actual.length !== expected.length) return 0
  const index = actual.findIndex((value, i) => {
    const wanted = expected[i] as number
    if (isSigned && value === 0 && wanted === 0) return !Object.is(value, wanted)
    return !isAllowed(array.dtype, value, wanted, error[i] as number)
  })
  return index < 0 ? undefined : index
}

const list = (array: HostArray, around = 0): string => {
  const values = Array.from(numbers(array), (value) => (Object.is(value, -0) ? '-0' : String(value)))
  const from = Math.max(0, Math.min(around - 20, values.length - 40))
  const shown = values.slice(from, from + 40).join(', ')
  return `${array.dtype}(${array.shape.join(',')}) [${from > 0 ? `${from} before … ` : ''}${shown}${from + 40 < values.length ? ' …' : ''}]`
}

const describeTrial = ({ graph, inputs }: Trial): string =>
  [printGraph(graph), ...inputs.map((input, i) => `input ${i}: ${list(input)}`)].join('\n')
