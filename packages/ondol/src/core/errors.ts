/**
 * The one family of errors. Each carries the facts as fields, and a message that says
 * what was wrong, where, what was expected, what came, and what to do.
 */

export interface ErrorFacts {
  /** One clause: what is wrong. */
  readonly problem: string
  /** Path from the outside in, such as `model → dense_1 → matmul`. */
  readonly where?: string
  readonly expected?: string
  readonly received?: string
  /** What to do about it. */
  readonly hint?: string
  readonly cause?: unknown
}

export class OndolError extends Error {
  readonly where: string | undefined
  readonly expected: string | undefined
  readonly received: string | undefined
  readonly hint: string | undefined
  readonly problem: string

  constructor(facts: ErrorFacts) {
    super(formatMessage(facts), facts.cause === undefined ? undefined : { cause: facts.cause })
    this.name = new.target.name
    this.problem = facts.problem
    this.where = facts.where
    this.expected = facts.expected
    this.received = facts.received
    this.hint = facts.hint
  }

  /** The same error seen from one level further out: `within('dense_1')` prefixes the path. */
  within(place: string): this {
    return this.#with({ where: this.where === undefined ? place : `${place} → ${this.where}` })
  }

  /** The same error in other words. */
  reworded(change: (text: string) => string): this {
    const { problem, where, expected, received, hint } = this
    const texts = Object.entries({ problem, where, expected, received, hint }).filter(([, text]) => text !== undefined)
    return this.#with(Object.fromEntries(texts.map(([name, text]) => [name, change(text as string)])))
  }

  #with(changes: Partial<ErrorFacts>): this {
    const SameClass = this.constructor as new (facts: ErrorFacts) => this
    const { problem, where, expected, received, hint, cause } = this
    const facts = Object.entries({ problem, where, expected, received, hint, cause, ...changes }).filter(([, value]) => value !== undefined)
    const changed = new SameClass(Object.fromEntries(facts) as unknown as ErrorFacts)
    if (this.stack !== undefined) changed.stack = this.stack.replace(this.message, changed.message)
    return changed
  }
}

/** Sizes or ranks that do not fit. */
export class ShapeError extends OndolError {}
/** An element type that cannot be used here. */
export class DTypeError extends OndolError {}
/** A value or option outside what is allowed. */
export class ValueError extends OndolError {}
/** A graph of layers or operations that is not whole. */
export class GraphError extends OndolError {}
/** A value asked for while a function is being traced, or a trace that leaks. */
export class TracingError extends OndolError {}
/** A backend that is missing, or that failed. */
export class BackendError extends OndolError {}
/** Memory that is not to be had, with who holds how much. */
export class OutOfMemoryError extends OndolError {}
/** A tensor used after it was disposed of. */
export class DisposedError extends OndolError {}
/** Input data that does not fit the model or the data set. */
export class DataError extends OndolError {}
/** A file that cannot be read or written. */
export class SavingError extends OndolError {}

function formatMessage({ problem, where, expected, received, hint }: ErrorFacts): string {
  const lines = [where === undefined ? `${capitalize(problem)}.` : `${where}: ${problem}.`]
  if (expected !== undefined) lines.push(`  Expected: ${expected}`)
  if (received !== undefined) lines.push(`  Received: ${received}`)
  if (hint !== undefined) lines.push(`  Hint: ${hint}`)
  return lines.join('\n')
}

const capitalize = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
