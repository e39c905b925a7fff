import { describe, expect, it } from 'vitest'
import { OndolError, ShapeError } from './errors.js'

describe('errors', () => {
  const error = new ShapeError({ where: 'matmul', problem: 'sizes differ', expected: '4', received: '5', hint: 'transpose one' })

  it('say what, where, expected, received and what to do', () => {
    expect(error.message).toBe('matmul: sizes differ.\n  Expected: 4\n  Received: 5\n  Hint: transpose one')
    expect(new OndolError({ problem: 'no backend is loaded' }).message).toBe('No backend is loaded.')
  })

  it('carry the facts, their name and their family', () => {
    expect(error).toMatchObject({
      name: 'ShapeError',
      where: 'matmul',
      problem: 'sizes differ',
      expected: '4',
      received: '5',
      hint: 'transpose one',
    })
    expect(error).toBeInstanceOf(OndolError)
    expect(error).toBeInstanceOf(Error)
  })

  it('grow a path from the inside out, and keep their stack and cause', () => {
    const cause = new Error('inner')
    const inner = new ShapeError({ where: 'matmul', problem: 'sizes differ', cause })
    const outer = inner.within('dense_1').within('model')
    expect(outer.message).toBe('model → dense_1 → matmul: sizes differ.')
    expect(outer).toBeInstanceOf(ShapeError)
    expect(outer.cause).toBe(cause)
    expect(outer.stack).toContain('errors.test')
    expect(new ShapeError({ problem: 'bad' }).within('layer').message).toBe('layer: bad.')
  })

  it('can be put in other words', () => {
    const error = new ShapeError({ problem: 'bad', received: '(10080, 2)' }).reworded((text) => text.replace('10080', 'None'))
    expect(error).toBeInstanceOf(ShapeError)
    expect([error.message, error.received]).toEqual(['Bad.\n  Received: (None, 2)', '(None, 2)'])
  })
})
