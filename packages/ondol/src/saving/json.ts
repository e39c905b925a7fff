/**
 * JSON as Python writes it, from strangers: also NaN and Infinity, which are not JSON; nesting bounded; no key
 * that means something to JavaScript objects; errors with their place.
 */
import { SavingError } from '../core/errors.js'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** Deeper than any model's config; a parser that follows every level must stop somewhere. */
const DEEPEST = 400

const WORDS = {
  true: true,
  false: false,
  null: null,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
}
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const SPACE = /[ \t\r\n]*/y
const WORD = /-?[A-Za-z]+/y
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype'])

/** @throws SavingError with line and column of what is wrong. */
export function parseJson(text: string, where: string): Json {
  return new Parser(text, where).whole()
}

class Parser {
  readonly #text: string
  readonly #where: string
  #at = 0

  constructor(text: string, where: string) {
    this.#text = text
    this.#where = where
  }

  whole(): Json {
    const value = this.#value(0)
    this.#skipSpace()
    if (this.#at < this.#text.length) throw this.#unexpected('the end')
    return value
  }

  #value(depth: number): Json {
    if (depth > DEEPEST) throw this.#error(`it is nested deeper than ${DEEPEST} levels`)
    this.#skipSpace()
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth)
      case '[':
        return this.#array(depth)
      case '"':
        return this.#string()
      default:
        return this.#scalar()
    }
  }

  #object(depth: number): Json {
    const entries: Record<string, Json> = {}
    this.#members('}', () => {
      this.#skipSpace()
      const start = this.#at
      if (this.#text[start] !== '"') throw this.#unexpected('a key in double quotes')
      const key = this.#string()
      if (FORBIDDEN_KEYS.has(key)) throw this.#error(`the key '${key}' is not allowed`, start)
      this.#skipSpace()
      if (this.#text[this.#at] !== ':') throw this.#unexpected("':'")
      this.#at++
      entries[key] = this.#value(depth + 1)
    })
    return entries
  }

  #array(depth: number): Json {
    const items: Json[] = []
    this.#members(']', () => items.push(this.#value(depth + 1)))
    return items
  }

  /** What stands between brackets, with commas between. */
  #members(end: string, readOne: () => void): void {
    this.#at++
    this.#skipSpace()
    if (this.#text[this.#at] === end) {
      this.#at++
      return
    }
    for (;;) {
      readOne()
      this.#skipSpace()
      const next = this.#text[this.#at]
      if (next !== ',' && next !== end) throw this.#unexpected(`',' or '${end}'`)
      this.#at++
      if (next === end) return
    }
  }

  #string(): string {
    const start = this.#at
    let end = start
    do end = this.#text.indexOf('"', end + 1)
    while (end >= 0 && isEscaped(this.#text, end))
    try {
      if (end < 0) throw new SyntaxError('no end')
      this.#at = end + 1
      return JSON.parse(this.#text.slice(start, end + 1)) as string
    } catch {
      throw this.#error('a string is not finished, or has a character that must be escaped', start)
    }
  }

  #scalar(): Json {
    const number = this.#match(NUMBER)
    if (number !== undefined) return Number(number)
    const start = this.#at
    const word = this.#match(WORD)
    if (word !== undefined && Object.hasOwn(WORDS, word)) return WORDS[word as keyof typeof WORDS]
    this.#at = start
    throw this.#unexpected('a value')
  }

  #skipSpace(): void {
    this.#match(SPACE)
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.#at += found.length
    return found
  }

  #unexpected(expected: string): SavingError {
    const found = this.#text.slice(this.#at, this.#at + 12)
    return this.#error('this is not JSON', this.#at, { expected, received: found === '' ? 'the end' : JSON.stringify(found) })
  }

  #error(problem: string, at = this.#at, facts: { readonly expected?: string; readonly received?: string } = {}): SavingError {
    const before = this.#text.slice(0, at).split('\n')
    return new SavingError({
      where: `${this.#where}, line ${before.length}, column ${(before.at(-1) as string).length + 1}`,
      problem,
      ...facts,
    })
  }
}

/** Whether an odd number of backslashes stands before `at`. */
function isEscaped(text: string, at: number): boolean {
  let start = at
  while (text[start - 1] === '\\') start--
  return (at - start) % 2 === 1
}

/** Options that Python insists on being floats, where JavaScript has one kind of numbers. */
const FLOATS = new Set(
  `learning_rate initial_learning_rate end_learning_rate warmup_target weight_decay clipnorm global_clipnorm clipvalue ema_momentum
  momentum rho epsilon beta_1 beta_2 delta rate dropout recurrent_dropout initial_scale alpha decay_rate power l1 l2`.split(/\s+/),
)

/** As Python's `json.dumps` writes it. */
export function formatJson(value: unknown, where: string): string {
  const format = (item: unknown, depth: number): string => {
    if (depth > DEEPEST) throw new SavingError({ where, problem: `the config is nested deeper than ${DEEPEST} levels, or contains itself` })
    if (item === null || item === undefined) return 'null'
    if (typeof item === 'number' && !Number.isFinite(item)) return String(item)
    if (typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean') return JSON.stringify(item)
    if (Array.isArray(item)) return `[${item.map((inner) => format(inner, depth + 1)).join(', ')}]`
    if (typeof item !== 'object')
      throw new SavingError({ where, problem: `a ${typeof item} cannot be written to a file`, received: String(item) })
    const entries = Object.entries(item).filter(([, inner]) => inner !== undefined)
    const member = (key: string, inner: unknown): string =>
      Number.isInteger(inner) && FLOATS.has(key) ? `${inner}.0` : format(inner, depth + 1)
    return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}: ${member(key, inner)}`).join(', ')}}`
  }
  return format(value, 0)
}
