/**
 * The conformance suite: what every backend must agree on with the host, primitive by primitive,
 * dtype by dtype, in random surroundings; then whole programs, fused and looped. Seeds are fixed, so that
 * a failure is found again.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { bytesOf, DTYPES, type DType } from '../../core/dtype.js'
import type { Backend } from '../../engine/backend.js'
import type { Value } from '../../engine/graph.js'
import { INFER, type PrimitiveAttributes, type PrimitiveName } from '../../engine/primitives.js'
import type { HostArray } from '../host/index.js'
import { GraphBuilder, type Trial } from './builder.js'
import { CASES } from './cases.js'
import { checkTrial } from './check.js'
import { donationsOf } from './donations.js'
import { Draw } from './draw.js'
import { fusedTrial } from './fusion.js'
import { PROGRAMS } from './programs.js'
import { arrive, leave } from './wrap.js'

/** A seed of its own for every property: the same for all, each dtype would see the same shapes. */
const seedOf = (label: string): number => [...label].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 16777619), 20_261_122)

export interface ConformanceOptions {
  /** Random trials of each primitive in each dtype. */
  readonly runs?: number
}

/** Declares the suite for one backend. */
export function describeConformance(
  name: string,
  createBackend: () => Backend | Promise<Backend>,
  { runs = 24 }: ConformanceOptions = {},
): void {
  describe(`${name} conforms`, () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await createBackend()
    })
    afterAll(() => backend.dispose())

    const check = async (label: string, numRuns: number, make: (draw: Draw) => Trial): Promise<void> => {
      const dtypes = [...backend.dtypes]
      const property = fc.asyncProperty(fc.gen(), async (generate) => checkTrial(backend, make(new Draw(generate, dtypes))))
      await fc.assert(property, { seed: seedOf(label), numRuns, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false })
    }

    describe.each(Object.keys(INFER) as PrimitiveName[])('%s', (primitive) => {
      const { kinds } = CASES[primitive]
      it.each((Object.keys(DTYPES) as DType[]).filter((dtype) => kinds.includes(DTYPES[dtype].kind)))('%s', async (dtype) => {
        if (backend.dtypes.has(dtype)) await check(`${primitive} ${dtype}`, runs, (draw) => primitiveTrial(draw, primitive, dtype))
      })
    })

    describe('fused regions', () => {
      it.each(Object.keys(DTYPES) as DType[])('%s', async (dtype) => {
        if (backend.dtypes.has(dtype)) await check(`fused ${dtype}`, runs * 5, (draw) => fusedTrial(draw, dtype))
      })
    })

    describe.each(Object.keys(PROGRAMS))('%s', (program) => {
      it.each(['float32', 'float64', 'bfloat16', 'float16'] as const)('%s', async (dtype) => {
        if (backend.dtypes.has(dtype))
          await check(`${program} ${dtype}`, Math.ceil(runs / 3), (draw) => (PROGRAMS[program] as (typeof PROGRAMS)[string])(draw, dtype))
      })
    })

    it('keeps count of its memory and copies what it is given', async () => {
      const before = backend.allocatedBytes
      const memory = backend.allocate(4 * bytesOf('int32'))
      const source = Int32Array.of(1, 2, 3, 4)
      backend.write(memory, source)
      source.fill(0)
      const first = await backend.read(memory, 'int32', 4)
      backend.write(memory, Int32Array.of(5, 6, 7, 8))
      const second = await backend.read(memory, 'int32', 3)
      backend.free(memory)
      await backend.finish()
      if (`${[...first]} ${[...second]}` !== '1,2,3,4 5,6,7') throw new Error(`read back ${[...first]} and ${[...second]}`)
      if (backend.allocatedBytes !== before) throw new Error('freed memory is still counted')
    })
  })
}

/** One primitive in random surroundings, now and then with more outputs or a donated input. */
function primitiveTrial<P extends PrimitiveName>(draw: Draw, primitive: P, dtype: DType): Trial {
  const { attributes, inputs } = CASES[primitive].make(draw, dtype) as { attributes: PrimitiveAttributes[P]; inputs: readonly HostArray[] }
  const builder = new GraphBuilder()
  const operands = inputs.map((input) => arrive(draw, builder, input))
  const results = builder.applyAll(primitive, attributes, ...operands)
  const outputs: Value[] = results.map((result) => leave(draw, builder, result))
  if (draw.once(4)) outputs.push(...operands.slice(0, 1))
  if (draw.once(6)) outputs.push(outputs[0] as Value)
  return builder.trial(outputs, draw.once(3) ? donationsOf(builder.graph(outputs)) : [])
}
