/** Texts to tokens: what `TextVectorization` does before it looks them up, as TensorFlow's string ops do it. */

/** ASCII only, as Keras does it: other alphabets stay as they are. */
const lower = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
const stripPunctuation = (text: string): string => text.replace(/[!-/:-@[-`{-~]/g, '')

/** Ways to make texts alike. */
export const STANDARDIZERS = {
  lower_and_strip_punctuation: (text: string): string => stripPunctuation(lower(text)),
  lower,
  strip_punctuation: stripPunctuation,
} as const

/** Ways to cut a text. */
export const SPLITTERS = {
  whitespace: (text: string): string[] => text.split(/[ \t\n\v\f\r]+/).filter((token) => token !== ''),
  character: (text: string): string[] => [...text],
} as const

/** The n-grams of each width: all of the first width, then all of the next. */
export const ngramsOf = (tokens: readonly string[], widths: readonly number[]): string[] =>
  widths.flatMap((width) =>
    Array.from({ length: Math.max(0, tokens.length - width + 1) }, (_, at) => tokens.slice(at, at + width).join(' ')),
  )
