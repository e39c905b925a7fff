/**
 * Objects that are called like functions: `layer(x)`, `loss(yTrue, yPred)`.
 *
 * The constructor of a base class may return another object, and that becomes `this` for every subclass:
 * here an arrow function whose prototype is the class's. `instanceof`, fields, `#private` names, getters
 * and overriding work as always. The function's own `name` and `length` are taken away, so that fields may
 * have these names, and Function's methods are out of the prototype chain, so that classes may define
 * `call`, `apply` and `bind`.
 */

/** The method that runs when an instance is called. */
export const INVOKE: unique symbol = Symbol('invoke')

export abstract class Callable {
  constructor() {
    const instance = (...args: unknown[]): unknown => (instance as unknown as Callable)[INVOKE](...args)
    Reflect.deleteProperty(instance, 'name')
    Reflect.deleteProperty(instance, 'length')
    // biome-ignore lint/correctness/noConstructorReturn: this is how an instance becomes callable
    return Object.setPrototypeOf(instance, new.target.prototype) as this
  }

  abstract [INVOKE](...args: unknown[]): unknown
}
