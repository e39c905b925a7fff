/** Tokens, their numbers, and how often they were seen: what lookups and text layers keep in ordinary memory. */

export type Token = string | number

/** Ascending: numbers by value, strings by their UTF-8 bytes (the order of code points, not of UTF-16 units). */
export function compareTokens(a: Token, b: Token): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const [left, right] = [String(a), String(b)]
  for (let i = 0; i < left.length && i < right.length; i++) {
    const [x, y] = [left.charCodeAt(i), right.charCodeAt(i)]
    if (x !== y) return rank(x) - rank(y)
  }
  return left.length - right.length
}

/** Surrogates stand for code points above all others. */
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit)

/** How often tokens were seen, and in how many documents. */
export class TokenCounts {
  readonly #counts = new Map<Token, number>()
  readonly #documents = new Map<Token, number>()
  #documentCount = 0

  get isEmpty(): boolean {
    return this.#counts.size === 0
  }

  /** Adds documents: rows of tokens. */
  add(rows: readonly (readonly Token[])[]): void {
    for (const row of rows) {
      for (const token of row) this.#counts.set(token, (this.#counts.get(token) ?? 0) + 1)
      for (const token of new Set(row)) this.#documents.set(token, (this.#documents.get(token) ?? 0) + 1)
    }
    this.#documentCount += rows.length
  }

  /** The most frequent first; of two that are equally frequent, the greater token. */
  ranked(without: readonly (Token | null)[], limit: number): Token[] {
    return [...this.#counts]
      .filter(([token]) => !without.includes(token))
      .sort(([a, countA], [b, countB]) => countB - countA || compareTokens(b, a))
      .slice(0, limit)
      .map(([token]) => token)
  }

  /** Inverse document frequency: log(1 + documents / (1 + documents with the token)). */
  inverseDocumentFrequency(token: Token): number {
    return Math.log(1 + this.#documentCount / (1 + (this.#documents.get(token) ?? 0)))
  }
}

/** Tokens that stand in the list more than once. */
export function repeatedTokens(tokens: readonly Token[]): Token[] {
  const seen = new Set<Token>()
  return [...new Set(tokens.filter((token) => seen.size === seen.add(token).size))]
}
