/** The suite itself: it has to refuse backends that are wrong, and to accept those that only round as they may. */
import { describe, expect, it } from 'vitest'
import { allocate, type DType, writeElement } from '../../core/dtype.js'
import type { Backend, Memory, Program } from '../../engine/backend.js'
import { createHostBackend, type HostArray } from '../host/index.js'
import { boundGraph, given, isAllowed, numbers } from './bounds.js'
import { GraphBuilder, type Trial } from './builder.js'
import { checkTrial } from './check.js'

const vector = (dtype: DType, ...values: number[]): HostArray => {
  const storage = allocate(dtype, values.length)
  values.forEach((value, i) => writeElement(dtype, storage, i, value))
  return { dtype, shape: [values.length], storage }
}

function sumOf(...inputs: HostArray[]): Trial {
  const builder = new GraphBuilder()
  const values = inputs.map((input) => builder.input(input))
  return builder.trial([builder.apply('reduceSum', { axes: [0] }, builder.apply('concat', { axis: 0 }, ...values))])
}

/** A host whose programs are meddled with. */
function meddling(run: (backend: Backend, program: Program, inputs: readonly Memory[], outputs: readonly Memory[]) => void): Backend {
  const backend = createHostBackend()
  const compile = backend.compile.bind(backend)
  backend.compile = (graph) => {
    const program = compile(graph)
    return { scratchBytes: 0, dispose: () => {}, run: (inputs, outputs) => run(backend, program, inputs, outputs) }
  }
  return backend
}

describe('a trial', () => {
  const trial = sumOf(vector('float32', 1, 2), vector('float32', 3))

  it('passes on the host', () => checkTrial(createHostBackend(), trial))

  it('shows graph, inputs and both results when they differ', async () => {
    const wrong = meddling((backend, _program, _inputs, [output]) => backend.write(output as Memory, Float32Array.of(7)))
    await expect(checkTrial(wrong, trial)).rejects.toThrow(
      /output 0 of the first run differs at element 0:\nexpected 6 ± .*, received 7\nexpected: float32\(\) \[6\]\nreceived: float32\(\) \[7\]\nby\ninputs %0:float32\(2\) %1:float32\(1\)\n.* = concat %0 %1 axis=0\n.*\nreturn %3\ninput 0: float32\(2\) \[1, 2\]/,
    )
  })

  it('fails when an output is left unwritten, memory is leaked, or only the second run is wrong', async () => {
    await expect(
      checkTrial(
        meddling(() => {}),
        trial,
      ),
    ).rejects.toThrow('differs at element 0')
    const leaking = meddling((backend, program, inputs, outputs) => {
      backend.allocate(12)
      program.run(inputs, outputs)
    })
    await expect(checkTrial(leaking, trial)).rejects.toThrow(/12 bytes leaked\nwhile running\ninputs/)
    let runs = 0
    const tiring = meddling((_, program, inputs, outputs) => {
      if (runs++ === 0) program.run(inputs, outputs)
    })
    await expect(checkTrial(tiring, trial)).rejects.toThrow('output 0 of the second run')
  })
})

describe('error bars', () => {
  /** What is allowed for the only element of a graph's first output. */
  const allows = (builder: GraphBuilder, output: Parameters<GraphBuilder['graph']>[0][number]) => {
    const [{ array, error }] = boundGraph(builder.graph([output]), builder.data.map(given)) as [ReturnType<typeof given>]
    return (actual: number): boolean => isAllowed(array.dtype, actual, numbers(array)[0] as number, error[0] as number)
  }

  it('are nothing for a single correctly rounded operation', () => {
    const builder = new GraphBuilder()
    const [x, y] = [builder.input(vector('float32', 1)), builder.input(vector('float32', 3))]
    const isAllowedQuotient = allows(builder, builder.apply('div', {}, x, y))
    expect([Math.fround(1 / 3), Math.fround(1 / 3) + 2 ** -25].map(isAllowedQuotient)).toEqual([true, false])
  })

  it('let a fused loop keep float32 between operations on bfloat16, but not skip a cast', () => {
    // 256 + 1 rounds to 256 in bfloat16, so that subtracting 256 gives 0, or 1 where nothing was rounded.
    const fused = new GraphBuilder()
    const sum = fused.apply('add', {}, fused.input(vector('bfloat16', 256)), fused.input(vector('bfloat16', 1)))
    const isAllowedDifference = allows(fused, fused.apply('sub', {}, sum, fused.input(vector('bfloat16', 256))))
    expect([0, 1, 2].map(isAllowedDifference)).toEqual([true, true, false])

    const wide = new GraphBuilder()
    const [x, y] = [wide.input(vector('float32', 257)), wide.input(vector('float32', 256))]
    const narrow = wide.apply('cast', { dtype: 'float32' }, wide.apply('cast', { dtype: 'bfloat16' }, x))
    const isAllowedCast = allows(wide, wide.apply('sub', {}, narrow, y))
    expect([0, 1].map(isAllowedCast)).toEqual([true, false])
  })

  it('grow where they have to: decisions about uncertain values may go either way', () => {
    const builder = new GraphBuilder()
    const x = builder.input(vector('float32', 0.5))
    const back = builder.apply('log', {}, builder.apply('exp', {}, x))
    const isAllowedDecision = allows(builder, builder.apply('ge', {}, back, x))
    expect([0, 1].map(isAllowedDecision)).toEqual([true, true])
    const isAllowedFloor = allows(builder, builder.apply('floor', {}, back))
    expect([0, 1].map(isAllowedFloor)).toEqual([true, false])
  })
})
