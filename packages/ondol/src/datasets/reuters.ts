/**
 * Reuters: 11,228 newswires on 46 topics as lists of word numbers (Lewis, Reuters-21578). As `keras.datasets.reuters`;
 * decoded with `getWordIndex`.
 */
import { DataError, ValueError } from '../core/errors.js'
import { byName } from '../core/positional.js'
import { type Tensor, tensor } from '../engine/index.js'
import type { Split } from './digits.js'
import { type PublishedFile, Search, type SourceOptions } from './files.js'
import { NpzFile } from './npz.js'
import { RandomState } from './numpy-random.js'
import { filtered, loadWordIndex, noneLeft, numbered, shortened, type WordOptions } from './word-lists.js'

export interface LoadDataOptions extends WordOptions {
  /** Share of the texts that is kept for testing. Default 0.2. */
  readonly testSplit?: number
}

const FILE: PublishedFile = {
  name: 'reuters.npz',
  origins: ['https://storage.googleapis.com/tensorflow/tf-keras-datasets/reuters.npz'],
  hash: 'd6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916',
  atMost: 3_000_000,
}

const INDEX_FILE: PublishedFile = {
  name: 'reuters_word_index.json',
  origins: ['https://storage.googleapis.com/tensorflow/tf-keras-datasets/reuters_word_index.json'],
  hash: '4d44cc38712099c9e383dc6e5f11a921',
  atMost: 1_000_000,
}

const LABEL_NAMES = (
  'cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton carcass crude nat-gas ' +
  'cpi money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock retail ipi iron-steel rubber heat jobs lei ' +
  'bop zinc orange pet-chem dlr gas silver wpi hog lead'
).split(' ')

/**
 * Loads the newswires. Numbers below `indexFrom` are signs: 0 is for padding, 1 begins a text, 2 stands for a word that is
 * left out.
 *
 * @returns `[[xTrain, yTrain], [xTest, yTest]]`: x as lists of word numbers, y int32 (texts), the topics 0 to 45.
 * @throws DataError naming every place that was tried.
 * @example
 * const [[xTrain, yTrain], [xTest, yTest]] = await datasets.reuters.loadData({ numWords: 10000, testSplit: 0.2 })
 */
export function loadData(options?: LoadDataOptions): Promise<Split<number[][]>>
export function loadData(path: LoadDataOptions['path'], options?: LoadDataOptions): Promise<Split<number[][]>>
export async function loadData(...args: readonly unknown[]): Promise<Split<number[][]>> {
  const names = ['path', 'numWords', 'skipTop', 'maxlen', 'testSplit', 'seed', 'startChar', 'oovChar', 'indexFrom'] as const
  const options = byName<LoadDataOptions>(names, args)
  const where = 'datasets.reuters.loadData()'
  const { testSplit = 0.2, seed = 113, maxlen } = options
  if (!(testSplit >= 0 && testSplit <= 1))
    throw new ValueError({ where, problem: 'testSplit is no share', expected: 'from 0 to 1', received: `${testSplit}` })
  const random = new RandomState(seed, where)
  const search = new Search({ name: 'reuters', where, isOneFile: true }, options)
  const found = (await search.given()) ?? (await search.local([FILE.name])) ?? (await search.published(FILE))
  if (found === undefined) throw search.failure('reuters.npz was not found', [FILE])
  const archive = await NpzFile.open(found)
  const lists = await archive.lists('x')
  const { data } = await archive.numbers('y', 1)
  if (lists.length !== data.length)
    throw new DataError({
      where: found.place,
      problem: 'there are not as many labels as texts',
      received: `x: ${lists.length}, y: ${data.length}`,
    })
  const { texts, labels } = shortened(numbered({ texts: lists, labels: data }, random.permutation(lists.length), options), maxlen)
  if (texts.length === 0) throw noneLeft(where, maxlen)
  const kept = filtered(texts, options)
  const first = Math.trunc(kept.length * (1 - testSplit))
  const labelled = (part: readonly number[]): Tensor => tensor(Int32Array.from(part), [part.length], 'int32')
  return [
    [kept.slice(0, first), labelled(labels.slice(0, first))],
    [kept.slice(first), labelled(labels.slice(first))],
  ]
}

/** The words' numbers, by how often they occur, from 1. In the lists of `loadData` they are greater by `indexFrom`. */
export function getWordIndex(options?: SourceOptions): Promise<Record<string, number>>
export function getWordIndex(path: SourceOptions['path'], options?: SourceOptions): Promise<Record<string, number>>
export async function getWordIndex(...args: readonly unknown[]): Promise<Record<string, number>> {
  return loadWordIndex('datasets.reuters.getWordIndex()', 'reuters', INDEX_FILE, byName<SourceOptions>(['path'], args))
}

/** What the labels 0 to 45 mean. */
export const getLabelNames = (): readonly string[] => LABEL_NAMES
