import { afterEach, describe, expect, it } from 'vitest'
import { DTypePolicy, dtypePolicy, setDtypePolicy, setFloatx } from './config.js'
import { getDtypePolicy } from './dtype-policy.js'
import { Dense } from './index.js'

afterEach(() => {
  setDtypePolicy(null)
  setFloatx('float32')
})

describe('DTypePolicy', () => {
  it('says in what weights are kept, and in what is computed', () => {
    const mixed = new DTypePolicy('mixed_bfloat16')
    expect([mixed.variableDtype, mixed.computeDtype]).toEqual(['float32', 'bfloat16'])
    const half = new DTypePolicy('float16')
    expect([half.variableDtype, half.computeDtype]).toEqual(['float16', 'float16'])
    expect(() => new DTypePolicy('mixed_float8')).toThrow(/unknown dtype policy[\s\S]*'mixed_bfloat16'/)
  })

  it('holds for all layers that name none', () => {
    expect(dtypePolicy().name).toBe('float32')
    setFloatx('float64')
    expect(new Dense(1).dtype).toBe('float64')
    setDtypePolicy('mixed_float16')
    expect(new Dense(1).computeDtype).toBe('float16')
    expect(new Dense(1, { dtype: 'float32' }).computeDtype).toBe('float32')
  })

  it('goes through files, also those of Keras 2', () => {
    const description = new DTypePolicy('mixed_float16').serialize()
    expect(description).toEqual({ module: 'keras', class_name: 'DTypePolicy', config: { name: 'mixed_float16' }, registered_name: null })
    expect(getDtypePolicy(description).name).toBe('mixed_float16')
    expect(getDtypePolicy({ class_name: 'Policy', config: { name: 'float32' } }).name).toBe('float32')
  })
})
