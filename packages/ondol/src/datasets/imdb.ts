/**
 * IMDB: 50,000 reviews of films, half of them kind, as lists of word numbers (Maas and others 2011). As `keras.datasets.imdb`;
 * decoded with `getWordIndex`.
 */
import { DataError } from '../core/errors.js'
import { byName } from '../core/positional.js'
import { type Tensor, tensor } from '../engine/index.js'
import type { Split } from './digits.js'
import { type PublishedFile, Search, type SourceOptions } from './files.js'
import { NpzFile } from './npz.js'
import { RandomState } from './numpy-random.js'
import { filtered, loadWordIndex, noneLeft, numbered, shortened, type Texts, type WordOptions } from './word-lists.js'

export type LoadDataOptions = WordOptions

const FILE: PublishedFile = {
  name: 'imdb.npz',
  origins: ['https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb.npz'],
  hash: '69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f',
  atMost: 18_000_000,
}

const INDEX_FILE: PublishedFile = {
  name: 'imdb_word_index.json',
  origins: ['https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb_word_index.json'],
  hash: 'bfafd718b763782e994055a2d397834f',
  atMost: 2_000_000,
}

/**
 * Loads the reviews: 25,000 to train, 25,000 to test. Numbers below `indexFrom` are signs: 0 is for padding, 1 begins a
 * review, 2 stands for a word that is left out.
 *
 * @returns `[[xTrain, yTrain], [xTest, yTest]]`: x as lists of word numbers, y int32 (reviews), 1 for a kind one.
 * @throws DataError naming every place that was tried.
 * @example
 * const [[xTrain, yTrain]] = await datasets.imdb.loadData({ numWords: 10000 })
 * const x = utils.padSequences(xTrain, { maxlen: 200 })
 */
export function loadData(options?: LoadDataOptions): Promise<Split<number[][]>>
export function loadData(path: LoadDataOptions['path'], options?: LoadDataOptions): Promise<Split<number[][]>>
export async function loadData(...args: readonly unknown[]): Promise<Split<number[][]>> {
  const options = byName<LoadDataOptions>(['path', 'numWords', 'skipTop', 'maxlen', 'seed', 'startChar', 'oovChar', 'indexFrom'], args)
  const where = 'datasets.imdb.loadData()'
  const random = new RandomState(options.seed ?? 113, where)
  const search = new Search({ name: 'imdb', where, isOneFile: true }, options)
  const found = (await search.given()) ?? (await search.local([FILE.name])) ?? (await search.published(FILE))
  if (found === undefined) throw search.failure('imdb.npz was not found', [FILE])
  const archive = await NpzFile.open(found)
  const part = async (name: string): Promise<Texts> => {
    const texts = await archive.lists(`x_${name}`)
    const { data: labels } = await archive.numbers(`y_${name}`, 1)
    if (texts.length === labels.length) return { texts, labels }
    throw new DataError({
      where: found.place,
      problem: 'there are not as many labels as texts',
      received: `x_${name}: ${texts.length}, y_${name}: ${labels.length}`,
    })
  }
  const [train, test] = [await part('train'), await part('test')].map((texts) =>
    shortened(numbered(texts, random.permutation(texts.texts.length), options), options.maxlen),
  ) as [ReturnType<typeof numbered>, ReturnType<typeof numbered>]
  if (options.maxlen && (train.texts.length === 0 || test.texts.length === 0)) throw noneLeft(where, options.maxlen)
  const texts = filtered([...train.texts, ...test.texts], options)
  const labelled = (labels: readonly number[]): Tensor => tensor(Int32Array.from(labels), [labels.length], 'int32')
  return [
    [texts.slice(0, train.texts.length), labelled(train.labels)],
    [texts.slice(train.texts.length), labelled(test.labels)],
  ]
}

/**
 * The words' numbers, by how often they occur, from 1. In the lists of `loadData` they are greater by `indexFrom`.
 *
 * @example
 * const words = new Map(Object.entries(await datasets.imdb.getWordIndex()).map(([word, i]) => [i + 3, word]))
 * xTrain[0].map((i) => words.get(i) ?? '…').join(' ')
 */
export function getWordIndex(options?: SourceOptions): Promise<Record<string, number>>
export function getWordIndex(path: SourceOptions['path'], options?: SourceOptions): Promise<Record<string, number>>
export async function getWordIndex(...args: readonly unknown[]): Promise<Record<string, number>> {
  return loadWordIndex('datasets.imdb.getWordIndex()', 'imdb', INDEX_FILE, byName<SourceOptions>(['path'], args))
}
