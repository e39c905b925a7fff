/** Texts as lists of word numbers: what `keras.datasets.imdb` and `reuters` do with them. */
import { DataError } from '../core/errors.js'
import { type Found, type PublishedFile, Search, type SourceOptions } from './files.js'

export interface WordOptions extends SourceOptions {
  /** Only words below this number are kept; they are numbered by how often they occur. Default: all. */
  readonly numWords?: number | null
  /** The words below this number are left out too. Default 0. */
  readonly skipTop?: number
  /** Texts of this many words or more are left out. Default: all are kept. */
  readonly maxlen?: number | null
  /** Of the order of the texts. Default 113. */
  readonly seed?: number
  /** Stands at the beginning of each text; null: nothing does. Default 1. */
  readonly startChar?: number | null
  /** Stands for words that are left out; null: nothing does. Default 2. */
  readonly oovChar?: number | null
  /** Added to the numbers of words, to have room for those above. Default 3. */
  readonly indexFrom?: number
}

/** Texts and their labels. */
export interface Texts {
  readonly texts: readonly (readonly number[])[]
  readonly labels: ArrayLike<number | bigint>
}

/** Shuffled texts with their start signs. */
export function numbered(
  { texts, labels }: Texts,
  order: Uint32Array,
  { startChar = 1, indexFrom = 3 }: WordOptions,
): { texts: number[][]; labels: number[] } {
  return {
    texts: Array.from(order, (index) => {
      const text = texts[index] as readonly number[]
      if (startChar !== null) return [startChar, ...text.map((word) => word + indexFrom)]
      return text.map((word) => word + indexFrom)
    }),
    labels: Array.from(order, (index) => Number(labels[index])),
  }
}

/** Texts that are short enough. */
export function shortened(
  { texts, labels }: { texts: number[][]; labels: number[] },
  maxlen: number | null | undefined,
): { texts: number[][]; labels: number[] } {
  if (!maxlen) return { texts, labels }
  const isKept = texts.map(({ length }) => length < maxlen)
  return { texts: texts.filter((_, i) => isKept[i]), labels: labels.filter((_, i) => isKept[i]) }
}

/** @throws DataError when no text is left. */
export const noneLeft = (where: string, maxlen: number | null | undefined): DataError =>
  new DataError({ where, problem: `no text is shorter than maxlen = ${maxlen}`, hint: 'increase maxlen' })

/** Leaves out rare and frequent words. Without `numWords`, the one with the greatest number counts as too rare, as in Keras. */
export function filtered(texts: readonly number[][], { numWords, skipTop = 0, oovChar = 2 }: WordOptions): number[][] {
  const limit = numWords || texts.reduce((most, text) => text.reduce((a, b) => Math.max(a, b), most), Number.NEGATIVE_INFINITY)
  const isKept = (word: number): boolean => skipTop <= word && word < limit
  return texts.map((text) => (oovChar === null ? text.filter(isKept) : text.map((word) => (isKept(word) ? word : oovChar))))
}

/** Numbers of words by the words. */
export async function loadWordIndex(
  where: string,
  setName: string,
  file: PublishedFile,
  options: SourceOptions,
): Promise<Record<string, number>> {
  const search = new Search({ name: setName, where, isOneFile: true }, options)
  const found = (await search.given()) ?? (await search.local([file.name])) ?? (await search.published(file))
  if (found === undefined) throw search.failure(`${file.name} was not found`, [file])
  return wordIndexIn(found)
}

function wordIndexIn({ bytes, place }: Found): Record<string, number> {
  const fail = (problem: string, cause?: unknown): DataError =>
    new DataError({ where: place, problem, expected: 'a JSON record of words and their numbers', ...(cause !== undefined && { cause }) })
  let parsed: unknown
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw fail('the word index is damaged', cause)
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw fail('this is no word index')
  const bad = Object.entries(parsed).find(([, number]) => !Number.isSafeInteger(number))
  if (bad !== undefined) throw fail(`the number of '${bad[0].slice(0, 40)}' is none`)
  // Words like `constructor` are words.
  return Object.assign(Object.create(null) as Record<string, number>, parsed)
}
