/** Texts as indices or counts of their words. Follows `keras/src/layers/preprocessing/text_vectorization.py`. */
import { type CustomObjects, getRegisteredName, getRegisteredObject } from '../../core/custom-objects.js'
import { ShapeError, ValueError } from '../../core/errors.js'
import { formatShape } from '../../core/shape.js'
import { isSerializedObject, toSnakeCase } from '../../core/spelling.js'
import type { Tensor } from '../../engine/index.js'
import type { TensorLike } from '../../ops/define.js'
import { type ConfigTable, decodeConfig } from '../config-table.js'
import type { LayerOptions } from '../layer.js'
import { type AdaptData, adaptTo } from './batches.js'
import { type OutputMode, requireMode } from './encode.js'
import { StringLookup } from './string-lookup.js'
import { asStrings, type StringTensor } from './string-tensor.js'
import { ngramsOf, SPLITTERS, STANDARDIZERS } from './text.js'
import { TextLayer } from './text-layer.js'

/** Makes a text alike with others of its kind. */
export type Standardize = (text: string) => string
/** Cuts a text into tokens. */
export type Split = (text: string) => readonly string[]

export interface TextVectorizationOptions extends LayerOptions {
  /** Size of the vocabulary at most. */
  readonly maxTokens?: number | null | undefined
  /** `'lower_and_strip_punctuation'` (default), `'lower'`, `'strip_punctuation'`, null, or a function of your own. */
  readonly standardize?: string | Standardize | null | undefined
  /** `'whitespace'` (default), `'character'`, null for inputs that are tokens, or a function of your own. */
  readonly split?: string | Split | null | undefined
  /** Sequences of tokens that count as tokens: a number n for 1 to n, or a list of lengths. */
  readonly ngrams?: number | readonly number[] | null | undefined
  /** `'int'` (default), `'multi_hot'`, `'count'`, `'tf_idf'`, or `'one_hot'` (for one text, or tokens). */
  readonly outputMode?: string | undefined
  /** Tokens in a row: more are cut, fewer padded. Default: as the longest text of the call. */
  readonly outputSequenceLength?: number | null | undefined
  readonly padToMaxTokens?: boolean | undefined
  readonly vocabulary?: readonly string[] | StringTensor | string | null | undefined
  readonly idfWeights?: TensorLike | null | undefined
  readonly sparse?: boolean | undefined
  readonly ragged?: boolean | undefined
  readonly encoding?: string | undefined
  /** As configs have it. */
  readonly vocabularySize?: number | null | undefined
}

/** Rows of tokens, and the axes that the rows stand along. */
interface Tokens {
  readonly rows: readonly (readonly string[])[]
  readonly shape: readonly number[]
  /** Whether all rows must be, and are, of one length. */
  readonly isDense: boolean
}

/**
 * Texts (batch,) or (batch, 1) → int32 (batch, length), or float (batch, tokens) as `outputMode` says. Index 0 pads,
 * 1 is for words that are not in the vocabulary.
 *
 * @example
 * const vectorize = layers.textVectorization({ outputSequenceLength: 4 })
 * await vectorize.adapt(['foo bar', 'bar baz', 'baz bada boom'])
 * vectorize(['foo qux bar'])   // [[7, 1, 2, 0]] or so, by frequency
 */
export class TextVectorization extends TextLayer {
  static override readonly className: string = 'TextVectorization'
  static override readonly configTable: ConfigTable = {
    maxTokens: 'value',
    ngrams: 'value',
    outputMode: 'value',
    outputSequenceLength: 'value',
    padToMaxTokens: 'value',
    sparse: 'value',
    ragged: 'value',
    vocabulary: 'value',
    idfWeights: 'value',
    encoding: 'value',
    vocabularySize: 'value',
  }
  readonly standardize: string | Standardize | null
  readonly split: string | Split | null
  readonly ngrams: number | readonly number[] | null
  readonly outputMode: OutputMode
  readonly outputSequenceLength: number | null
  readonly ragged: boolean
  /** Its vocabulary. */
  readonly lookup: StringLookup
  readonly #standardize: Standardize
  readonly #split: Split | null
  readonly #widths: readonly number[] | null

  constructor(options: TextVectorizationOptions = {}) {
    const {
      maxTokens = null,
      standardize = 'lower_and_strip_punctuation',
      split = 'whitespace',
      ngrams = null,
      outputMode = 'int',
      outputSequenceLength = null,
      padToMaxTokens = false,
      vocabulary = null,
      idfWeights = null,
      sparse = false,
      ragged = false,
      encoding = 'utf-8',
      vocabularySize = null,
      ...rest
    } = options
    super(rest)
    const refuse = (problem: string, received: unknown): never => {
      throw new ValueError({ where: this.name, problem, received: String(received) })
    }
    this.standardize = typeof standardize === 'string' ? toSnakeCase(standardize) : standardize
    this.split = split
    this.#standardize = standardize === null ? (text) => text : oneOf(standardize, STANDARDIZERS, 'standardize', this.name)
    this.#split = split === null ? null : oneOf(split, SPLITTERS, 'split', this.name)
    const widths = typeof ngrams === 'number' ? Array.from({ length: ngrams }, (_, i) => i + 1) : ngrams
    if (widths !== null && !widths.every((width) => Number.isInteger(width) && width > 0))
      refuse('ngrams must be null, a whole number, or a list of them', JSON.stringify(ngrams))
    this.ngrams = ngrams
    this.#widths = widths
    this.outputMode = requireMode(outputMode, ['int', 'one_hot', 'multi_hot', 'count', 'tf_idf'], this.name)
    if (outputSequenceLength !== null && this.outputMode !== 'int')
      refuse("outputSequenceLength is for the output mode 'int'", this.outputMode)
    if (ragged) refuse('there are no ragged tensors', 'ragged: true')
    this.outputSequenceLength = outputSequenceLength
    this.ragged = ragged
    this.lookup = new StringLookup({
      name: `${this.name}_lookup`,
      maxTokens,
      vocabulary,
      idfWeights,
      padToMaxTokens,
      maskToken: '',
      outputMode: this.outputMode,
      sparse,
      encoding,
      // Keras writes a size even where there is no vocabulary yet: OOV alone.
      vocabularySize: this.outputMode === 'int' || vocabularySize === 1 ? null : vocabularySize,
    })
  }

  get maxTokens(): number | null {
    return this.lookup.maxTokens
  }
  get padToMaxTokens(): boolean {
    return this.lookup.padToMaxTokens
  }
  get sparse(): boolean {
    return this.lookup.sparse
  }
  get encoding(): string {
    return this.lookup.encoding
  }
  get vocabulary(): readonly string[] | null {
    return this.lookup.vocabulary
  }
  get idfWeights(): readonly number[] | null {
    return this.lookup.idfWeights
  }
  get vocabularySize(): number {
    return this.lookup.vocabularySizeNow()
  }

  getVocabulary(options?: { readonly includeSpecialTokens?: boolean }): string[] {
    return this.lookup.getVocabulary(options)
  }

  setVocabulary(vocabulary: readonly string[] | StringTensor, idfWeights: TensorLike | null = null): void {
    this.lookup.setVocabulary(vocabulary, idfWeights)
  }

  /** Makes the vocabulary of texts, or of at most `steps` batches of them. */
  adapt(data: AdaptData, { steps }: { readonly batchSize?: number | null; readonly steps?: number | null } = {}): Promise<void> {
    const see = (texts: unknown, isWhole: boolean): void => {
      const strings = asStrings(texts, this.name)
      // Without splitting, a list of tokens is as many documents; a batch of a stream is one.
      const shaped = isWhole && strings.rank === 1 ? strings.reshape([...strings.shape, 1]) : strings
      const { rows, shape } = this.#tokensOf(shaped)
      this.lookup.countTokens(this.#split === null && shape.length === 0 ? [rows.flat()] : rows)
    }
    return adaptTo(data, steps, this.name, {
      start: () => this.lookup.resetState(),
      whole: (texts) => see(texts, true),
      batch: (texts) => see(texts, false),
      finish: () => this.lookup.finalizeState(),
    })
  }

  /** Standardised, split, in n-grams. */
  #tokensOf(texts: StringTensor): Tokens {
    const clean = texts.map(this.#standardize)
    const split = this.#split
    const grams = (tokens: readonly string[]): readonly string[] => (this.#widths === null ? tokens : ngramsOf(tokens, this.#widths))
    if (split === null) {
      const width = clean.shape.at(-1) ?? 1
      const values = clean.dataSync()
      const count = width === 0 ? 0 : values.length / width
      const rows = Array.from({ length: count }, (_, row) => grams(values.slice(row * width, (row + 1) * width)))
      return { rows, shape: clean.shape.slice(0, -1), isDense: true }
    }
    if (clean.rank > 1 && clean.shape.at(-1) !== 1)
      throw new ShapeError({
        where: this.name,
        problem: 'texts to split stand one a row',
        expected: '(batch,) or (batch, 1)',
        received: formatShape(clean.shape),
        hint: 'use split: null where the inputs are tokens',
      })
    const shape = clean.rank > 1 ? clean.shape.slice(0, -1) : clean.shape
    return { rows: clean.dataSync().map((text) => grams(split(text))), shape, isDense: shape.length === 0 }
  }

  protected override callOnStrings(texts: StringTensor): Tensor {
    if (this.#split === null && texts.rank === 0) return this.lookup(texts)
    const { rows, shape, isDense } = this.#tokensOf(texts)
    if (this.outputMode === 'one_hot' && !isDense)
      throw new ValueError({
        problem: "the output mode 'one_hot' gives as many vectors as a text has words, which are no tensor for several texts",
        hint: "use 'multi_hot' or 'count', or split: null",
      })
    const isCut = this.outputMode === 'int' && this.outputSequenceLength !== null
    const longest = rows.reduce((most, row) => Math.max(most, row.length), 0)
    const length = isCut ? (this.outputSequenceLength as number) : longest
    // The mask token pads: index 0, or counted nowhere.
    const padded = rows.flatMap((row) => Array.from({ length }, (_, i) => row[i] ?? ''))
    return this.lookup.lookUp({ values: padded, shape: [...shape, length] })
  }

  override call(inputs: Tensor): Tensor {
    throw this.needsStrings(inputs)
  }

  // ---- configs and files ----

  override getConfig(): Record<string, unknown> {
    const written = (value: string | Standardize | Split | null): unknown =>
      typeof value === 'function'
        ? { module: 'builtins', class_name: 'function', config: getRegisteredName(value), registered_name: 'function' }
        : value
    return { ...super.getConfig(), standardize: written(this.standardize), split: written(this.split) }
  }

  static override fromConfig(config: Readonly<Record<string, unknown>>, customObjects: CustomObjects = {}): TextVectorization {
    const found = (value: unknown): unknown => {
      if (!isSerializedObject(value)) return value
      const name = String(value.config)
      const own = getRegisteredObject(name, customObjects)
      if (typeof own === 'function') return own
      throw new ValueError({
        where: 'TextVectorization',
        problem: 'the function of the file is not known',
        received: name,
        hint: 'pass it as a custom object',
      })
    }
    const functions = Object.fromEntries(['standardize', 'split'].flatMap((key) => (key in config ? [[key, found(config[key])]] : [])))
    return new TextVectorization({ ...decodeConfig({}, config), ...functions })
  }

  saveOwnVariables(): Record<string, Tensor> {
    return this.lookup.saveOwnVariables()
  }
  loadOwnVariables(stored: ReadonlyMap<string, Tensor>): void {
    this.lookup.loadOwnVariables(stored)
  }
  saveAssets(): Record<string, string> {
    return this.lookup.saveAssets()
  }
  loadAssets(assets: ReadonlyMap<string, Uint8Array>): void {
    this.lookup.loadAssets(assets)
  }
  /** In files its lookup has Keras's private name. */
  saveableChildren(): Iterable<readonly [string, unknown]> {
    return [['_lookup_layer', this.lookup]]
  }
  override getBuildConfig(): Record<string, unknown> | null {
    return null
  }
}

/** A function by its name, or itself. */
function oneOf<F>(given: string | F, table: Readonly<Record<string, F>>, option: string, where: string): F {
  if (typeof given !== 'string') return given
  const name = toSnakeCase(given)
  if (Object.hasOwn(table, name)) return table[name] as F
  throw new ValueError({
    where,
    problem: `unknown ${option}`,
    expected: `${Object.keys(table)
      .map((each) => `'${each}'`)
      .join(', ')}, null or a function`,
    received: `'${given}'`,
  })
}

export const textVectorization = (...args: ConstructorParameters<typeof TextVectorization>): TextVectorization =>
  new TextVectorization(...args)
