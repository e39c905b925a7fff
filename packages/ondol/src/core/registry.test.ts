import { describe, expect, it } from 'vitest'
import { Registry } from './registry.js'

describe('Registry', () => {
  const losses = new Registry('loss', { MeanSquaredError: 1, Poisson: 2 })
  losses.add('CategoricalCrossentropy', 3, 'cce')

  it('finds every spelling of a name', () => {
    expect(['MeanSquaredError', 'mean_squared_error', 'meanSquaredError'].map((name) => losses.get(name))).toEqual([1, 1, 1])
    expect(losses.get('cce')).toBe(3)
  })

  it('offers the nearest name', () => {
    expect(() => losses.get('categorical_crosentropy')).toThrow(
      /no loss called 'categorical_crosentropy'[\s\S]*did you mean 'CategoricalCrossentropy'\?/,
    )
    expect(() => losses.get('zzz')).toThrow(/one of MeanSquaredError, Poisson, CategoricalCrossentropy/)
  })
})
