import { describe, expect, it } from 'vitest'
import { Callable, INVOKE } from './callable.js'

// biome-ignore lint/correctness/noUnusedVariables: makes instances callable for the compiler
interface Scale {
  // biome-ignore lint/style/useShorthandFunctionType: merges with the class
  (x: number): number
}
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: instances are callable
class Scale extends Callable {
  readonly name: string
  length = 3
  #calls = 0
  constructor(readonly factor: number) {
    super()
    this.name = `scale_${factor}`
  }
  get calls(): number {
    return this.#calls
  }
  call(x: number): number {
    this.#calls++
    return x * this.factor
  }
  override [INVOKE](...args: unknown[]): unknown {
    return this.call(args[0] as number)
  }
}

class Shifted extends Scale {
  offset = 1
  override call(x: number): number {
    return super.call(x) + this.offset
  }
}

describe('Callable', () => {
  it('makes instances of subclasses functions', () => {
    const shifted = new Shifted(2)
    expect(shifted(5)).toBe(11)
    expect(shifted.calls).toBe(1)
    expect(shifted).toBeInstanceOf(Scale)
    expect([shifted.name, shifted.length, shifted.offset]).toEqual(['scale_2', 3, 1])
  })

  it('keeps instances apart', () => {
    const [double, triple] = [new Scale(2), new Scale(3)]
    expect([double(1), triple(1), double(1)]).toEqual([2, 3, 2])
    expect([double.calls, triple.calls]).toEqual([2, 1])
  })
})
