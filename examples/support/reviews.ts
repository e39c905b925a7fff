/**
 * 3,000 sentences of real reviews (films, goods, restaurants), half of them praise: "Sentiment Labelled Sentences",
 * Kotzias et al. 2015, CC BY 4.0, as the npm package `sentiment` carries them for its tests.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { data } from 'ondol'

export interface Review {
  readonly text: string
  /** 1 for praise, 0 for complaint. */
  readonly class: 0 | 1
}

const { resolve } = createRequire(import.meta.url)

function read(source: 'imdb' | 'amazon' | 'yelp'): Review[] {
  const rows: { text: string; class: 0 | 1 | null }[] = JSON.parse(readFileSync(resolve(`sentiment/test/fixtures/${source}.json`), 'utf8'))
  // Each file ends with an empty row.
  return rows.filter((row): row is Review => row.class !== null)
}

/** All reviews in an order that is always the same: 2,400 to learn from, 600 to be tested on. */
export function loadReviews(): { readonly train: readonly Review[]; readonly test: readonly Review[] } {
  const all = [...read('imdb'), ...read('amazon'), ...read('yelp')]
  const [train, test] = data.randomSplit({ length: all.length, getItem: (i) => all[i] as Review }, [0.8, 0.2], { seed: 1 })
  const chosen = (subset: data.Subset<Review> | undefined): Review[] => Array.from(subset?.indices ?? [], (i) => all[i] as Review)
  return { train: chosen(train), test: chosen(test) }
}

export const textsOf = (reviews: readonly Review[]): string[] => reviews.map(({ text }) => text)
export const labelsOf = (reviews: readonly Review[]): number[] => reviews.map((review) => review.class)
