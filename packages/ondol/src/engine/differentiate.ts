/** Functions that differentiate functions, gradients of your own, and the end of a gradient's way. */
import { GraphError, ShapeError, ValueError } from '../core/errors.js'
import { formatShape } from '../core/shape.js'
import type { Tree } from '../core/tree.js'
import { type Filled, GradientTape, type Source } from './gradient-tape.js'
import * as lax from './lax.js'
import { recordOnTapes, withoutTapes } from './tape.js'
import { Tensor } from './tensor.js'
import { Variable } from './variable.js'

export interface GradOptions {
  /** Which arguments to differentiate by: one (default 0), or a list, which gives a list of gradients. */
  readonly argnums?: number | readonly number[]
  /** The function gives `[loss, more]`; `more` (metrics, new state) comes back as it is. Default false. */
  readonly hasAux?: boolean
  /** Differentiate by these Variables, which the function reads, instead of by arguments. */
  readonly variables?: Tree<Variable>
}

/** What a function to be differentiated gives. */
type Returned<O> = O extends { readonly hasAux: true } ? readonly [Tensor, unknown] : Tensor
/** What it is differentiated by. */
type Wanted<A extends readonly unknown[], O> = O extends { readonly variables: infer V }
  ? Filled<V>
  : O extends { readonly argnums: infer N }
    ? N extends readonly number[]
      ? { -readonly [K in keyof N]: Filled<A[N[K] & keyof A]> }
      : Filled<A[N & keyof A]>
    : Filled<A[0]>

/**
 * `f` with its value and its gradient for the first argument (a tensor, a Variable, or a structure of these), for
 * other arguments or for Variables. What the value does not depend on gets zeros.
 *
 * @example
 * const [y, dx] = valueAndGrad((x: Tensor) => ops.sum(ops.square(x)))(tensor([1, 2, 3])) // dx = [2, 4, 6]
 * const step = valueAndGrad(lossOf, { variables: model.trainableVariables })
 */
export function valueAndGrad<A extends unknown[], R extends Returned<O>, const O extends GradOptions = object>(
  f: (...args: A) => R,
  options?: O,
): (...args: A) => [value: R, gradients: Wanted<A, O>] {
  const { argnums = 0, hasAux = false, variables } = (options ?? {}) as GradOptions
  if (variables !== undefined && options?.argnums !== undefined) {
    throw new ValueError({
      where: 'valueAndGrad',
      problem: 'both argnums and variables are given',
      hint: 'pass the Variables as an argument, or leave argnums out',
    })
  }
  return (...args) => {
    using tape = new GradientTape()
    const sources = variables ?? sourcesOf(args, argnums)
    tape.watch(sources)
    const returned = f(...args)
    const value = requireScalar(hasAux ? (returned as readonly [Tensor, unknown])[0] : returned)
    // As if there were one source: the type of gradients by any structure would have no end.
    return [returned, tape.gradient(value, sources as Tensor, { unconnectedGradients: 'zero' }) as Wanted<A, O>]
  }
}

/** As `valueAndGrad`, without the value; with `hasAux`, `[gradients, more]`. */
export function grad<A extends unknown[], R extends Returned<O>, const O extends GradOptions = object>(
  f: (...args: A) => R,
  options?: O,
): (
  ...args: A
) => O extends { readonly hasAux: true }
  ? [gradients: Wanted<A, O>, more: R extends readonly [Tensor, infer M] ? M : never]
  : Wanted<A, O> {
  const both: (...args: A) => readonly unknown[] = valueAndGrad<A, R, O>(f, options)
  return (...args) => {
    const [value, gradients] = both(...args)
    return (options?.hasAux === true ? [gradients, (value as readonly [Tensor, unknown])[1]] : gradients) as never
  }
}

function sourcesOf(args: readonly unknown[], argnums: number | readonly number[]): Source {
  const argument = (index: number): Source => {
    if (Number.isInteger(index) && index >= 0 && index < args.length) return args[index] as Source
    throw new ValueError({
      where: 'valueAndGrad',
      problem: `there is no argument ${index} to differentiate by`,
      expected: args.length === 0 ? 'a call with arguments, or the option variables' : `a number from 0 to ${args.length - 1}`,
      received: `argnums=${index}`,
    })
  }
  return typeof argnums === 'number' ? argument(argnums) : argnums.map(argument)
}

function requireScalar(value: unknown): Tensor {
  if (!(value instanceof Tensor)) {
    throw new GraphError({
      where: 'valueAndGrad',
      problem: 'the function must give a tensor',
      received: Array.isArray(value) ? 'a list' : String(value),
      ...(Array.isArray(value) && { hint: 'a function that gives [loss, more] needs the option hasAux: true' }),
    })
  }
  if (value.size === 1) return value
  throw new ShapeError({
    where: 'valueAndGrad',
    problem: 'the function must give one number',
    received: formatShape(value.shape),
    hint: 'reduce it with ops.sum or ops.mean',
  })
}

type Inputs<A extends readonly (Tensor | Variable)[]> = { [K in keyof A]: Tensor }

/**
 * A function with a gradient of your own: `forward` gives the output (or a list of outputs) and the way back, from
 * the outputs' cotangents to those of the inputs. Variables get a gradient only if they are passed in.
 *
 * @example
 * const clipped = customGradient((x: Tensor) => [x, (g: Tensor) => [ops.clip(g, -1, 1)]])
 */
export function customGradient<A extends (Tensor | Variable)[], R extends Tensor | readonly Tensor[]>(
  forward: (
    ...inputs: Inputs<A>
  ) => readonly [output: R, backward: (...cotangents: R extends Tensor ? [Tensor] : Tensor[]) => readonly (Tensor | null)[]],
): (...inputs: A) => R {
  return (...given) => {
    const inputs = given.map((input) => (input instanceof Variable ? input.value : input))
    // Recorded as it runs, so that what the way back reads from here can be differentiated once more.
    const returned: unknown = forward(...(inputs as Inputs<A>))
    if (!Array.isArray(returned) || typeof returned[1] !== 'function') {
      throw new ValueError({ where: 'customGradient', problem: 'the function must give [output, backward]' })
    }
    const [result, back] = returned as [Tensor | readonly Tensor[], (...cotangents: Tensor[]) => readonly (Tensor | null)[]]
    // Tensors of their own: gradients come through the way back only.
    const outputs = (result instanceof Tensor ? [result] : result).map((output) => output.alias())
    const backward = (cotangents: readonly (Tensor | null)[]): readonly (Tensor | null)[] =>
      requireOneEach(back(...outputs.map((output, i) => cotangents[i] ?? lax.zerosLike(output))), inputs)
    recordOnTapes({ primitive: 'custom', inputs, outputs, backward })
    return (result instanceof Tensor ? outputs[0] : outputs) as R
  }
}

function requireOneEach(gradients: readonly (Tensor | null)[], inputs: readonly Tensor[]): readonly (Tensor | null)[] {
  const isRight =
    Array.isArray(gradients) &&
    gradients.length === inputs.length &&
    gradients.every((gradient, i) => gradient === null || `${gradient.shape}` === `${(inputs[i] as Tensor).shape}`)
  if (isRight) return gradients
  const print = (tensors: readonly (Tensor | null)[]): string =>
    tensors.map((tensor) => (tensor === null ? 'null' : formatShape(tensor.shape))).join(', ')
  throw new ShapeError({
    where: 'customGradient',
    problem: 'the way back must give one gradient for each input, of its shape',
    expected: print(inputs),
    received: Array.isArray(gradients) ? print(gradients) : String(gradients),
  })
}

/** `x`, through which no gradient flows. */
export const stopGradient = (x: Tensor | Variable): Tensor => withoutTapes(() => (x instanceof Variable ? x.value : x).alias())
