import { describe, expect, it } from 'vitest'
import * as config from './config.js'
import * as dtypePolicies from './dtype-policies.js'

const { DTypePolicy, DTypePolicyMap } = dtypePolicies

describe('dtypePolicies', () => {
  it('gives policies by name, config or themselves', () => {
    const mixed = new DTypePolicy('mixed_bfloat16')
    expect(dtypePolicies.get(mixed)).toBe(mixed)
    expect(dtypePolicies.get('float16').computeDtype).toBe('float16')
    expect(dtypePolicies.get(null).name).toBe('float32')
    expect(dtypePolicies.deserialize(dtypePolicies.serialize(mixed)).name).toBe('mixed_bfloat16')
    expect(dtypePolicies.FloatDTypePolicy).toBe(DTypePolicy)
    expect(new DTypePolicy('int64')).toMatchObject({ name: 'int64', computeDtype: 'int32', variableDtype: 'int32' })
    expect(() => dtypePolicies.get('int8_from_float32' as never)).toThrow(/unknown dtype policy/)
    expect(() => dtypePolicies.deserialize({ module: 'keras', class_name: 'Int4DTypePolicy', config: {}, registered_name: null })).toThrow(
      /no such policy/,
    )
  })

  it('maps paths to policies, as Keras does', () => {
    const policies = new DTypePolicyMap('mixed_float16', { 'a/dense': 'float32', '.*/head/.*': 'bfloat16' })
    expect(policies).toMatchObject({ computeDtype: 'float16', variableDtype: 'float32', size: 2 })
    expect(policies.get('a/dense').name).toBe('float32')
    expect(policies.get('model/head/x').name).toBe('bfloat16')
    expect(policies.get('head').name).toBe('mixed_float16')
    policies.set('.*/x', 'float16')
    expect(() => policies.get('model/head/x')).toThrow(/several expressions match/)
    expect(() => policies.set('a/dense', 'float16')).toThrow(/has a policy already/)
    expect([policies.has('.*/x'), policies.delete('.*/x'), policies.has('.*/x')]).toEqual([true, true, false])
    expect(() => new DTypePolicyMap(policies)).toThrow(/cannot be a map/)
    const again = dtypePolicies.get(dtypePolicies.serialize(policies)) as InstanceType<typeof DTypePolicyMap>
    expect([...again].map(([path, { name }]) => [path, name])).toEqual([
      ['a/dense', 'float32'],
      ['.*/head/.*', 'bfloat16'],
    ])
    expect(again.computeDtype).toBe('float16')
  })
})

describe('config', () => {
  it('limits runs and says so', () => {
    expect([config.maxEpochs(), config.maxStepsPerEpoch()]).toEqual([null, null])
    config.setMaxEpochs(3)
    expect(config.maxEpochs()).toBe(3)
    expect(() => config.setMaxStepsPerEpoch(0)).toThrow(/no limit/)
    config.setMaxEpochs(null)
    expect(config.maxEpochs()).toBe(null)
  })

  it('switches printing', () => {
    config.disableInteractiveLogging()
    expect(config.isInteractiveLoggingEnabled()).toBe(false)
    config.enableInteractiveLogging()
    expect(config.isInteractiveLoggingEnabled()).toBe(true)
  })
})
