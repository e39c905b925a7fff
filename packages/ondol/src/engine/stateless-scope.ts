/**
 * Computing without state, as JAX likes it: Variables have values that are given, and assignments change nothing
 * but what they are read as until the end. Follows `keras/src/backend/common/stateless_scope.py`.
 */
import { ShapeError, TracingError, ValueError } from '../core/errors.js'
import { formatShape, sameShape } from '../core/shape.js'
import type { Tensor } from './tensor.js'
import { currentTrace, type Trace, type TracedState } from './trace.js'

/** Variables and what they shall be, with the name that a message calls them. */
export interface GivenState<V extends TracedState = TracedState> {
  readonly what: string
  readonly variables: readonly V[]
  readonly values: readonly Tensor[]
}

class Scope {
  readonly #values = new Map<TracedState, Tensor>()
  readonly #trace: Trace | undefined = currentTrace()

  constructor(readonly outer: Scope | undefined) {}

  read(variable: TracedState): Tensor | undefined {
    return this.#values.get(variable) ?? this.outer?.read(variable)
  }

  write(variable: TracedState, value: Tensor): void {
    if (currentTrace() !== this.#trace) {
      throw new TracingError({
        where: variable.name,
        problem: 'a Variable cannot be assigned inside the body of a scan, while or cond',
        hint: 'carry the value through the loop and assign it after',
      })
    }
    this.#values.set(variable, value)
  }
}

let scope: Scope | undefined

/** Whether Variables have given values now. */
export const isStateless = (): boolean => scope !== undefined

/** The given value of a Variable; undefined for one that has its own. */
export const readStateless = (variable: TracedState): Tensor | undefined => scope?.read(variable)

/** Takes an assignment, if nothing is to be assigned for real. */
export function writeStateless(variable: TracedState, value: Tensor): boolean {
  scope?.write(variable, value)
  return scope !== undefined
}

/**
 * Runs `body` with Variables that have the given values. Nothing is assigned: new values come back, group by group.
 *
 * @throws ValueError, ShapeError when Variables and values do not fit.
 */
export function runStateless<R>(where: string, given: readonly GivenState[], body: () => R): [result: R, values: Tensor[][]] {
  const inner = new Scope(scope)
  for (const { what, variables, values } of given) {
    requireValues(`${where}: ${what}`, variables, values)
    variables.forEach((variable, i) => void inner.write(variable, values[i] as Tensor))
  }
  scope = inner
  try {
    const result = body()
    return [result, given.map(({ variables }) => variables.map((variable) => inner.read(variable) as Tensor))]
  } finally {
    scope = inner.outer
  }
}

function requireValues(where: string, variables: readonly TracedState[], values: readonly Tensor[]): void {
  if (values.length !== variables.length) {
    throw new ValueError({
      where,
      problem: 'not one value for each Variable',
      expected: `${variables.length} values: ${variables.map(({ name, shape }) => `${name} ${formatShape(shape)}`).join(', ') || 'none'}`,
      received: `${values.length}`,
    })
  }
  variables.forEach(({ name, shape, dtype }, i) => {
    const value = values[i] as Tensor
    if (sameShape(value.shape, shape) && value.dtype === dtype) return
    throw new ShapeError({
      where,
      problem: `value ${i} does not fit the Variable ${name}`,
      expected: `${dtype}${formatShape(shape)}`,
      received: `${value.dtype}${formatShape(value.shape)}`,
    })
  })
}
