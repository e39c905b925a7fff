/**
 * Tokens to indices of a vocabulary and back: what `StringLookup` and `IntegerLookup` share. Follows
 * `keras/src/layers/preprocessing/index_lookup.py`.
 *
 * Indices: the mask token (only with the output mode `'int'`), then the OOV (out of vocabulary) indices, then the tokens.
 */
import { platform } from '#platform'
import { DataError, SavingError, ValueError } from '../../core/errors.js'
import { type Tensor, tensor } from '../../engine/index.js'
import { floatx } from '../../ops/config.js'
import { asTensor, type TensorLike } from '../../ops/define.js'
import * as ops from '../../ops/index.js'
import type { ConfigTable } from '../config-table.js'
import type { LayerOptions } from '../layer.js'
import { type AdaptData, adaptTo, tensorOf } from './batches.js'
import { encodeCategorical, type OutputMode, refuseSparse, requireMode } from './encode.js'
import { binOf, type Salt } from './fingerprint.js'
import { keyOf } from './hashing.js'
import { asStrings, holdsStrings, type StringTensor } from './string-tensor.js'
import { type HostValues, TextLayer } from './text-layer.js'
import { repeatedTokens, type Token, TokenCounts } from './vocabulary.js'

export interface IndexLookupOptions<T extends Token> extends Omit<LayerOptions, 'dtype'> {
  readonly dtype?: unknown
  /** Size of the vocabulary at most, with mask and OOV indices. Default: no limit. */
  readonly maxTokens?: number | null | undefined
  /** Indices among which tokens outside the vocabulary are shared. Default 1; with 0 they are an error. */
  readonly numOovIndices?: number | undefined
  /** A token that stands for nothing: index 0. Default none. */
  readonly maskToken?: T | null | undefined
  /** What indices outside become when `invert` is true. */
  readonly oovToken?: T | null | undefined
  /** The tokens in order, or the path of a text file with one a line. Default: `adapt` finds them. */
  readonly vocabulary?: readonly T[] | StringTensor | Tensor | string | null | undefined
  /** Inverse document frequencies of the vocabulary, for `'tf_idf'`. */
  readonly idfWeights?: TensorLike | null | undefined
  /** From indices to tokens. Default false. */
  readonly invert?: boolean | undefined
  /** `'int'` (default), `'one_hot'`, `'multi_hot'`, `'count'` or `'tf_idf'`. */
  readonly outputMode?: string | undefined
  readonly sparse?: boolean | undefined
  /** Vectors of `maxTokens` numbers however small the vocabulary is. Default false. */
  readonly padToMaxTokens?: boolean | undefined
  /** How integers outside are shared among OOV indices: `'floormod'` (default) or `'farmhash'`. */
  readonly oovMethod?: string | undefined
  readonly salt?: Salt | null | undefined
  /** As configs have it. */
  readonly vocabularySize?: number | null | undefined
  readonly hasInputVocabulary?: boolean | undefined
}

export abstract class IndexLookup<T extends Token> extends TextLayer {
  static override readonly configTable: ConfigTable = {
    invert: 'value',
    maxTokens: 'value',
    numOovIndices: 'value',
    oovToken: 'value',
    maskToken: 'value',
    outputMode: 'value',
    sparse: 'value',
    padToMaxTokens: 'value',
    idfWeights: 'value',
    vocabulary: 'value',
    vocabularySize: 'value',
    oovMethod: 'value',
    salt: 'value',
  }
  readonly maxTokens: number | null
  readonly numOovIndices: number
  readonly maskToken: T | null
  readonly oovToken: T | null
  readonly invert: boolean
  readonly outputMode: OutputMode
  readonly sparse: boolean
  readonly padToMaxTokens: boolean
  readonly oovMethod: string
  readonly salt: readonly [number, number] | null
  /** As the constructor was given it. */
  readonly #givenVocabulary: readonly T[] | null
  readonly #givenIdf: readonly number[] | null
  readonly #isFixed: boolean
  #frozenSize: number | null
  #tokens: readonly T[] = []
  #indices: ReadonlyMap<Token, number> = new Map()
  #idf: Float32Array | undefined
  #counts = new TokenCounts()

  constructor(className: string, kind: 'string' | 'number', defaultOov: T, options: IndexLookupOptions<T>) {
    const {
      maxTokens = null,
      numOovIndices = 1,
      maskToken = null,
      oovToken = defaultOov,
      vocabulary = null,
      idfWeights = null,
      invert = false,
      outputMode = 'int',
      sparse = false,
      padToMaxTokens = false,
      oovMethod = 'floormod',
      salt = null,
      vocabularySize = null,
      hasInputVocabulary = vocabulary !== null,
      dtype: _dtype,
      ...rest
    } = options
    super(rest)
    const refuse = (problem: string, received: unknown): never => {
      throw new ValueError({ where: this.name, problem, received: String(received) })
    }
    if (maxTokens !== null && !(maxTokens > 1)) refuse('maxTokens must be greater than 1', maxTokens)
    if (padToMaxTokens && maxTokens === null) refuse('padToMaxTokens needs maxTokens', 'maxTokens: null')
    if (numOovIndices < 0) refuse('numOovIndices must not be negative', numOovIndices)
    if (oovMethod !== 'floormod' && oovMethod !== 'farmhash') refuse("oovMethod must be 'floormod' or 'farmhash'", oovMethod)
    if (salt !== null && kind === 'number' && oovMethod !== 'farmhash') refuse("a salt needs oovMethod: 'farmhash'", `'${oovMethod}'`)
    refuseSparse(sparse, this.name)
    const mode = requireMode(outputMode, ['int', 'one_hot', 'multi_hot', 'count', 'tf_idf'], className)
    if (invert && mode !== 'int') refuse("with invert, the output mode must be 'int'", mode)
    if (idfWeights !== null && mode !== 'tf_idf') refuse("idfWeights are for the output mode 'tf_idf'", mode)
    this.maxTokens = maxTokens
    this.numOovIndices = numOovIndices
    this.maskToken = maskToken
    this.oovToken = oovToken
    this.invert = invert
    this.outputMode = mode
    this.sparse = sparse
    this.padToMaxTokens = padToMaxTokens
    this.oovMethod = oovMethod
    this.salt = keyOf(salt, this.name)
    this.#frozenSize = vocabularySize
    this.#isFixed = hasInputVocabulary
    const isPath = typeof vocabulary === 'string'
    this.#givenVocabulary = vocabulary === null || isPath ? null : this.tokensOf(vocabulary)
    this.#givenIdf = idfWeights === null ? null : numbersOf(idfWeights)
    if (mode === 'tf_idf' && hasInputVocabulary && vocabulary !== null && idfWeights === null)
      refuse("the output mode 'tf_idf' needs idfWeights beside the vocabulary", 'idfWeights: null')
    if (isPath) this.#readFile(vocabulary)
    else if (this.#givenVocabulary !== null) this.setVocabulary(this.#givenVocabulary, this.#givenIdf)
  }

  /** A vocabulary in any form as a list. */
  protected abstract tokensOf(vocabulary: unknown): T[]

  /** A line of a vocabulary file as a token. */
  protected abstract parseToken(line: string): T

  // ---- the vocabulary ----

  /** As the constructor was given it, for configs. */
  get vocabulary(): readonly T[] | null {
    return this.#givenVocabulary
  }

  get idfWeights(): readonly number[] | null {
    return this.#givenIdf
  }

  /** Tokens by index; mask and OOV tokens first, unless `includeSpecialTokens` is false. */
  getVocabulary({ includeSpecialTokens = true }: { readonly includeSpecialTokens?: boolean } = {}): T[] {
    if (!includeSpecialTokens) return [...this.#tokens]
    const oov = Array<T>(this.tokenStart).fill(this.oovToken as T)
    if (this.oovStart === 1) oov[0] = this.maskToken as T
    return [...oov, ...this.#tokens]
  }

  /** Tokens with mask and OOV indices, as `Embedding` wants to know: Keras's `vocabulary_size()`. */
  vocabularySizeNow(): number {
    return this.#tokens.length + this.tokenStart
  }

  /** Size that was fixed, for configs. */
  get vocabularySize(): number | null {
    return this.#frozenSize
  }

  protected get oovStart(): number {
    return this.maskToken !== null && this.outputMode === 'int' ? 1 : 0
  }

  protected get tokenStart(): number {
    return this.oovStart + this.numOovIndices
  }

  /** Length of the vectors of all output modes but `'int'`. */
  get depth(): number {
    const depth = this.padToMaxTokens ? this.maxTokens : this.#frozenSize
    if (depth !== null) return depth
    throw new ValueError({
      where: this.name,
      problem: `the output mode '${this.outputMode}' needs the size of the vocabulary`,
      hint: 'give a vocabulary, call adapt(data) first, or use padToMaxTokens',
    })
  }

  /**
   * Sets the tokens, with or without mask and OOV tokens in front; for `'tf_idf'` their inverse document frequencies too.
   *
   * @throws ValueError when tokens repeat, are too many, or special ones stand among them.
   */
  setVocabulary(vocabulary: readonly T[] | StringTensor | Tensor, idfWeights: TensorLike | null = null): void {
    const refuse = (problem: string, received: unknown, hint?: string): never => {
      throw new ValueError({ where: this.name, problem, received: String(received), ...(hint !== undefined && { hint }) })
    }
    if (this.outputMode === 'tf_idf' && idfWeights === null) refuse("the output mode 'tf_idf' needs idfWeights", 'none')
    if (this.outputMode !== 'tf_idf' && idfWeights !== null) refuse("idfWeights are for the output mode 'tf_idf'", this.outputMode)
    const given = this.tokensOf(vocabulary)
    if (given.length === 0) refuse('the vocabulary is empty', '[]')
    const special: (Token | null)[] = [...Array(this.oovStart).fill(this.maskToken), ...Array(this.numOovIndices).fill(this.oovToken)]
    const hasSpecial = special.every((token, i) => token === given[i])
    const tokens = hasSpecial ? given.slice(this.tokenStart) : given
    const repeated = repeatedTokens(tokens)
    if (repeated.length > 0) refuse('tokens stand in the vocabulary more than once', repeated.slice(0, 10).join(', '))
    for (const [what, token] of [
      ['mask', this.maskToken],
      ['OOV', this.invert ? this.oovToken : null],
    ] as const)
      if (token !== null && tokens.includes(token))
        refuse(
          `the ${what} token stands among the tokens`,
          `'${token}' at index ${given.indexOf(token)}`,
          `leave special tokens out, or put them first, in this order: ${JSON.stringify(special)}`,
        )
    const size = this.tokenStart + tokens.length
    if (this.maxTokens !== null && size > this.maxTokens) refuse(`the vocabulary is larger than maxTokens: ${this.maxTokens}`, size)
    this.#use(tokens)
    if (idfWeights !== null) this.#useIdf(numbersOf(idfWeights), given.length, hasSpecial)
  }

  #use(tokens: readonly T[]): void {
    this.#tokens = tokens
    this.#indices = new Map(tokens.map((token, i) => [token, i + this.tokenStart]))
    this.#recordSize()
  }

  #useIdf(weights: readonly number[], count: number, hasSpecial: boolean): void {
    if (weights.length !== count)
      throw new ValueError({
        where: this.name,
        problem: 'idfWeights and vocabulary differ in length',
        expected: `${count}`,
        received: `${weights.length}`,
      })
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length
    const front = hasSpecial ? [] : Array<number>(this.tokenStart).fill(mean)
    this.#idf = this.#padded([...front, ...weights])
  }

  #padded(weights: readonly number[]): Float32Array {
    const padded = new Float32Array(this.padToMaxTokens && this.maxTokens !== null ? this.maxTokens : weights.length)
    padded.set(weights)
    return padded
  }

  #recordSize(): void {
    const size = this.vocabularySizeNow()
    if (
      this.outputMode !== 'int' &&
      !this.padToMaxTokens &&
      this.#frozenSize !== null &&
      size !== this.#frozenSize &&
      this.#tokens.length > 0
    )
      throw new ValueError({
        where: this.name,
        problem: 'the size of the vocabulary cannot change any more',
        expected: `${this.#frozenSize}`,
        received: `${size}`,
        hint: 'use padToMaxTokens',
      })
    this.#frozenSize = size
  }

  #readFile(path: string): void {
    if (this.outputMode === 'tf_idf')
      throw new ValueError({ where: this.name, problem: "the output mode 'tf_idf' takes no vocabulary file", received: path })
    const bytes = platform.readFileNow(path)
    if (bytes === undefined) throw new DataError({ where: this.name, problem: 'there is no such vocabulary file', received: path })
    this.setVocabulary(this.#parse(bytes))
  }

  #parse(bytes: Uint8Array): T[] {
    const lines = new TextDecoder().decode(bytes).split(/\r\n|\n|\r/)
    while (lines.at(-1) === '') lines.pop()
    return lines.map((line) => this.parseToken(line))
  }

  // ---- adapt ----

  /**
   * Makes the vocabulary: the most frequent tokens of an array (rows are documents), or of batches, at most `steps` of them.
   *
   * @throws ValueError when the vocabulary was given.
   */
  adapt(data: AdaptData, { steps }: { readonly steps?: number | null } = {}): Promise<void> {
    return adaptTo(data, steps, this.name, {
      start: () => this.resetState(),
      whole: (array) => this.countTokens(this.#rowsOf(array, 1)),
      batch: (array) => this.countTokens(this.#rowsOf(array, null)),
      finish: () => this.finalizeState(),
    })
  }

  /** Rows of tokens; a list is one document, or with `width` as many documents. */
  #rowsOf(array: unknown, width: number | null): Token[][] {
    const { values, shape } = this.hostTokens(array)
    const size = shape.length > 1 ? values.length / Math.max(1, shape[0] as number) : (width ?? values.length)
    const rows: Token[][] = []
    for (let at = 0; at < values.length; at += size) rows.push(Array.from({ length: size }, (_, i) => values[at + i] as Token))
    return rows
  }

  /** An array of tokens in ordinary memory. */
  protected hostTokens(array: unknown): HostValues {
    if (holdsStrings(array)) {
      const strings = asStrings(array, this.name)
      return { values: strings.dataSync(), shape: strings.shape }
    }
    const numbers = tensorOf(array, this.name)
    return { values: numbers.dataSync(), shape: numbers.shape }
  }

  /** Counts the tokens of documents. */
  countTokens(rows: readonly (readonly Token[])[]): void {
    if (this.#isFixed)
      throw new ValueError({
        where: this.name,
        problem: 'its vocabulary was given, so there is nothing to adapt',
        hint: 'make it without a vocabulary',
      })
    this.#counts.add(rows)
  }

  /** The vocabulary of what was counted. */
  finalizeState(): void {
    if (this.#isFixed || this.#counts.isEmpty) {
      this.#recordSize()
      return
    }
    const limit = this.maxTokens === null ? Number.POSITIVE_INFINITY : this.maxTokens - this.tokenStart
    const tokens = this.#counts.ranked([this.maskToken, this.oovToken], limit) as T[]
    this.#use(tokens)
    if (this.outputMode === 'tf_idf') {
      const weights = tokens.map((token) => this.#counts.inverseDocumentFrequency(token))
      this.#useIdf(weights, tokens.length, false)
    }
    this.resetState()
  }

  /** Forgets what was counted. */
  resetState(): void {
    this.#counts = new TokenCounts()
  }

  // ---- calls ----

  /** Index of a token; OOV tokens are shared among the OOV indices. */
  protected indexOf(token: Token): number {
    if (this.maskToken !== null && token === this.maskToken) return this.outputMode === 'int' ? 0 : NOWHERE
    const index = this.#indices.get(token)
    if (index !== undefined) return index
    if (this.numOovIndices === 0)
      throw new ValueError({
        problem: 'a token is not in the vocabulary, and there is no OOV index',
        received: JSON.stringify(token),
        hint: 'use numOovIndices: 1',
      })
    if (this.numOovIndices === 1) return this.oovStart
    if (typeof token === 'number' && this.oovMethod === 'floormod')
      return this.oovStart + (((token % this.numOovIndices) + this.numOovIndices) % this.numOovIndices)
    return this.oovStart + binOf(String(token), this.numOovIndices, this.salt)
  }

  /** Indices in the form of the output mode. */
  encode(indices: Tensor): Tensor {
    if (this.outputMode === 'int') return indices
    if (this.outputMode !== 'tf_idf') return encodeCategorical(indices, this.outputMode, this.depth, floatx())
    const counts = encodeCategorical(indices, 'count', this.depth, floatx())
    if (this.#idf === undefined)
      throw new ValueError({ problem: 'the inverse document frequencies are not known', hint: 'call adapt(data) first' })
    return ops.multiply(counts, tensor(this.#idf))
  }

  /** Indices of tokens in ordinary memory. */
  lookUp({ values, shape }: HostValues): Tensor {
    const indices = new Int32Array(values.length)
    for (let i = 0; i < values.length; i++) indices[i] = this.indexOf(values[i] as Token)
    return this.encode(tensor(indices, shape))
  }

  /** Token of an index. */
  protected tokenAt(index: number): T {
    if (index === 0 && this.maskToken !== null) return this.maskToken
    return this.#tokens[index - this.tokenStart] ?? (this.oovToken as T)
  }

  protected get tokens(): readonly T[] {
    return this.#tokens
  }

  // ---- files ----

  saveOwnVariables(): Record<string, Tensor> {
    return this.outputMode === 'tf_idf' && this.#idf !== undefined ? { idf_weights: tensor(this.#idf) } : {}
  }

  loadOwnVariables(stored: ReadonlyMap<string, Tensor>): void {
    const weights = stored.get('idf_weights')
    if (weights !== undefined) this.#idf = Float32Array.from(weights.dataSync())
  }

  /** The vocabulary, one token a line, where it was not given. */
  saveAssets(): Record<string, string> {
    return this.#givenVocabulary === null ? { 'vocabulary.txt': this.getVocabulary().join('\n') } : {}
  }

  loadAssets(assets: ReadonlyMap<string, Uint8Array>): void {
    if (this.#givenVocabulary !== null) return
    const bytes = assets.get('vocabulary.txt')
    if (bytes === undefined)
      throw new SavingError({ where: this.name, problem: 'its vocabulary.txt is missing', received: [...assets.keys()].join(', ') })
    const tokens = this.#parse(bytes)
    const special = this.getVocabulary().slice(0, this.tokenStart)
    this.#use(special.every((token, i) => token === tokens[i]) ? tokens.slice(this.tokenStart) : tokens)
  }

  override getBuildConfig(): Record<string, unknown> {
    return {}
  }
}

/** Plain numbers stay as precise as they are. */
const numbersOf = (values: TensorLike): number[] =>
  Array.isArray(values) && values.every((value) => typeof value === 'number') ? [...values] : [...asTensor(values).dataSync()]

/** An index that counts nowhere. */
const NOWHERE = 2 ** 31 - 1
