/**
 * Names to things: losses, metrics, optimizers, activations, … are found by Keras's class name
 * (`MeanSquaredError`), its function name (`mean_squared_error`), the same in camelCase, or a short
 * name (`mse`). A name that is not there is answered with the nearest ones.
 */
import { ValueError } from './errors.js'

/** Equal for all spellings of one name: `mean_squared_error`, `meanSquaredError` and `MeanSquaredError`. */
const normalize = (name: string): string => name.replace(/_/g, '').toLowerCase()

export class Registry<T> {
  readonly #entries = new Map<string, { readonly name: string; readonly value: T }>()

  /** `kind` is the noun of messages: `loss`, `optimizer`. */
  constructor(
    readonly kind: string,
    entries: Readonly<Record<string, T>> = {},
  ) {
    for (const [name, value] of Object.entries(entries)) this.add(name, value)
  }

  add(name: string, value: T, ...aliases: string[]): void {
    for (const spelling of [name, ...aliases]) this.#entries.set(normalize(spelling), { name, value })
  }

  has(name: string): boolean {
    return this.#entries.has(normalize(name))
  }

  /** @throws ValueError that offers the nearest names. */
  get(name: string): T {
    const entry = this.#entries.get(normalize(name))
    if (entry !== undefined) return entry.value
    const names = [...new Set([...this.#entries.values()].map((known) => known.name))]
    const near = nearest(name, names)
    throw new ValueError({
      problem: `there is no ${this.kind} called '${name}'`,
      expected: names.length > 40 ? `one of ${names.slice(0, 40).join(', ')}, …` : `one of ${names.join(', ')}`,
      received: `'${name}'`,
      ...(near.length > 0 && { hint: `did you mean ${near.map((candidate) => `'${candidate}'`).join(' or ')}?` }),
    })
  }

  get values(): T[] {
    return [...new Set([...this.#entries.values()].map(({ value }) => value))]
  }
}

/** Nobody mistypes a longer one. */
const LONGEST_NAME = 200

/** The candidates that are a few keystrokes away from `name`, nearest first, at most three. */
export function nearest(name: string, candidates: readonly string[]): string[] {
  const wanted = normalize(name)
  const limit = Math.max(2, Math.ceil(wanted.length / 3))
  // Each letter that one name has more is a keystroke: names of other lengths, strangers' endless ones above all, are not compared.
  return candidates
    .filter((candidate) => wanted.length <= LONGEST_NAME && Math.abs(normalize(candidate).length - wanted.length) <= limit)
    .map((candidate) => ({ candidate, distance: editDistance(wanted, normalize(candidate)) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ candidate }) => candidate)
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(substitution, (previous[j] as number) + 1, (row[j - 1] as number) + 1))
    }
    previous = row
  }
  return previous[b.length] as number
}
