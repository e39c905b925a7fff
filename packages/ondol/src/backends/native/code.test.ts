/** Every fused loop as machine code, however small. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { describeConformance } from '../testing/conformance.js'
import { loadAddon } from './addon.js'
import { createNativeBackend } from './index.js'
import { loopOf, planOf } from './testing/plans.js'

process.env.ONDOL_LOOP_CODE = 'always'
const { codeFrom, simd } = loadAddon().info()

describe.skipIf(process.platform !== 'linux' || simd !== 'AVX-512')('with AVX-512', () => {
  it('makes code for the smallest loops, and gives its memory back', () => {
    expect(codeFrom).toBe(0)
    const codes = (): number => readFileSync('/proc/self/maps', 'utf8').match(/ r-xp 0+ 00:00 0 *$/gm)?.length ?? 0
    const backend = createNativeBackend()
    const before = codes()
    const ten = { dtype: 'float32', size: 10 } as const
    const step = loopOf({
      dims: [{ size: 10, reduced: false }],
      inputs: [{ kind: 'memory', buffer: 0, offset: 0, strides: [1] }],
      body: [
        { op: 'load', input: 0, type: 'f32' },
        { op: 'mul', args: [0, 0], type: 'f32' },
      ],
      stores: [{ value: 1, buffer: 1, offset: 0, strides: [1] }],
    })
    const program = backend.compilePlan(planOf([ten], [ten], [step]))
    expect(codes()).toBe(before + 1)
    program.dispose()
    expect(codes()).toBe(before)
    backend.dispose()
  })
  describeConformance('native machine code', createNativeBackend)
})
