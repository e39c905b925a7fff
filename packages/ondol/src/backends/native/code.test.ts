/** Every fused loop as machine code, however small. */
import { describe, expect, it } from 'vitest'
import { describeConformance } from '../testing/conformance.js'
import { loadAddon } from './addon.js'
import { createNativeBackend } from './index.js'

process.env.ONDOL_LOOP_CODE = 'always'
const { codeFrom, simd } = loadAddon().info()

describe.skipIf(process.platform !== 'linux' || simd !== 'AVX-512')('with AVX-512', () => {
  it('makes code for the smallest loops', () => expect(codeFrom).toBe(0))
  describeConformance('native machine code', createNativeBackend)
})
