import { describe, expect, it } from 'vitest'
import { customObjectScope, getCustomObjects, getRegisteredName, getRegisteredObject, registerKerasSerializable } from './custom-objects.js'

describe('custom objects', () => {
  it('are found under their package and name', () => {
    class Scale {}
    expect(registerKerasSerializable('pack')(Scale)).toBe(Scale)
    expect(getRegisteredName(Scale)).toBe('pack>Scale')
    expect(getRegisteredObject('pack>Scale')).toBe(Scale)
    expect(getRegisteredObject('Scale')).toBeUndefined()
    expect(getCustomObjects().get('pack>Scale')).toBe(Scale)
    const double = (x: number): number => x * 2
    registerKerasSerializable()(double)
    expect(getRegisteredObject('Custom>double')).toBe(double)
    registerKerasSerializable('pack', 'renamed')(double)
    expect(getRegisteredName(double)).toBe('pack>renamed')
  })

  it('go by their own names when they are not registered', () => {
    class Plain {}
    class Keras {
      static readonly className = 'Dense'
      readonly units = 1
    }
    class Heir extends Keras {}
    expect([Plain, Keras, Heir].map(getRegisteredName)).toEqual(['Plain', 'Dense', 'Heir'])
    expect(() => registerKerasSerializable()(3)).toThrow(/only classes and functions/)
  })

  it('hold in a scope, the inner one first, and no longer', () => {
    const [outer, inner] = [() => 1, () => 2]
    {
      using _scope = customObjectScope({ f: outer, g: outer })
      customObjectScope({ f: inner }, () => {
        expect([getRegisteredObject('f'), getRegisteredObject('g')]).toEqual([inner, outer])
        expect(getRegisteredObject('f', { f: outer })).toBe(inner)
      })
      expect(getRegisteredObject('f')).toBe(outer)
      expect(() => customObjectScope({ f: inner }, () => expect.fail('thrown'))).toThrow()
      expect(getRegisteredObject('f')).toBe(outer)
    }
    expect(getRegisteredObject('f')).toBeUndefined()
    expect(getRegisteredObject('constructor', {})).toBeUndefined()
  })
})
