/**
 * Tables as Python's `rich` draws them (Keras prints its summaries with it): heavy head, lines between rows,
 * words wrapped, words that are too long cut with `…`. Text may carry terminal styles.
 */

/** Text in pieces; `style` is the inside of an SGR escape such as `38;5;34`. */
export type StyledText = readonly (string | { readonly text: string; readonly style: string })[]

export interface Column {
  readonly title: string
  /** Characters, without the blanks around. */
  readonly width: number
  readonly align: 'left' | 'right' | 'center'
}

interface Glyph {
  readonly character: string
  readonly style: string | undefined
  readonly width: number
}

/** The table in a frame of exactly `width` characters; columns give way or grow to fit. */
export function drawTable(columns: readonly Column[], rows: readonly (readonly StyledText[])[], width: number, hasStyles: boolean): string {
  const widths = fitWidths(
    columns.map((column) => column.width + 2),
    width - columns.length - 1,
  )
  const rule = (left: string, line: string, cross: string, right: string): string =>
    left + widths.map((w) => line.repeat(w)).join(cross) + right
  // Titles stand at the bottom of their row, everything else at the top.
  const drawRow = (cells: readonly StyledText[], edge: string, isHead = false): string[] => {
    const wrapped = cells.map((cell, i) => wrapCell(cell, Math.max((widths[i] as number) - 2, 0), (columns[i] as Column).align))
    const height = Math.max(...wrapped.map((lines) => lines.length))
    return Array.from({ length: height }, (_, line) => {
      const parts = wrapped.map(
        (lines, i) =>
          ` ${render(lines[isHead ? line - height + lines.length : line] ?? blanks(Math.max((widths[i] as number) - 2, 0)), hasStyles)} `,
      )
      return `${edge}${parts.join(edge)}${edge}`
    })
  }
  const head = drawRow(
    columns.map(({ title }) => [{ text: title, style: '1' }]),
    '┃',
    true,
  )
  const body = rows.flatMap((row, i) => [...(i === 0 ? [] : [rule('├', '─', '┼', '┤')]), ...drawRow(row, '│')])
  return [rule('┏', '━', '┳', '┓'), ...head, rule('┡', '━', '╇', '┩'), ...body, rule('└', '─', '┴', '┘')].join('\n')
}

/** Takes what is too much from all columns alike, or shares out what is left in proportion. */
function fitWidths(widths: readonly number[], available: number): number[] {
  const total = widths.reduce((sum, width) => sum + width, 0)
  let remaining = Math.abs(total - available)
  let shares = total > available ? widths.length : total
  return widths.map((width) => {
    const share = total > available ? 1 : width
    const part = total > available ? Math.min(width, roundHalfEven((share * remaining) / shares)) : Math.ceil((share * remaining) / shares)
    remaining -= part
    shares -= share
    return total > available ? width - part : width + part
  })
}

const roundHalfEven = (value: number): number => {
  const floor = Math.floor(value)
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value)
}

/** Text with styles as an SGR-coded string. */
export function styled(text: StyledText, hasStyles: boolean): string {
  return render(glyphsOf(text), hasStyles)
}

function glyphsOf(text: StyledText): Glyph[] {
  return text.flatMap((piece) => {
    const { text: characters, style } = typeof piece === 'string' ? { text: piece, style: undefined } : piece
    return Array.from(characters, (character) => ({ character, style, width: cellWidth(character) }))
  })
}

const blanks = (count: number): Glyph[] => Array.from({ length: count }, () => ({ character: ' ', style: undefined, width: 1 }))
const widthOf = (glyphs: readonly Glyph[]): number => glyphs.reduce((sum, { width }) => sum + width, 0)
const isBlank = ({ character }: Glyph): boolean => /\s/.test(character)

function render(glyphs: readonly Glyph[], hasStyles: boolean): string {
  if (!hasStyles) return glyphs.map(({ character }) => character).join('')
  let result = ''
  let current: string | undefined
  for (const { character, style } of [...glyphs, { character: '', style: undefined }]) {
    if (style !== current) {
      if (current !== undefined) result += '\x1b[0m'
      if (style !== undefined) result += `\x1b[${style}m`
      current = style
    }
    result += character
  }
  return result
}

function wrapCell(cell: StyledText, width: number, align: Column['align']): Glyph[][] {
  const glyphs = glyphsOf(cell)
  const breaks = [...breakPositions(glyphs, width), glyphs.length]
  let start = 0
  return breaks.map((end) => {
    const line = glyphs.slice(start, end)
    start = end
    return justify(cut(line, width), width, align)
  })
}

/** Where lines begin after the first: a word goes to the next line when it does not fit. */
function breakPositions(glyphs: readonly Glyph[], width: number): number[] {
  const positions: number[] = []
  let used = 0
  for (const [start, end] of wordSpans(glyphs)) {
    const word = glyphs.slice(start, end)
    const length = widthOf(trimEnd(word))
    if (width - used >= length) used += widthOf(word)
    else if (length > width || used > 0) {
      if (start > 0) positions.push(start)
      used = widthOf(word)
    }
  }
  return positions
}

/** Words with the blanks after them (and before the first). */
function wordSpans(glyphs: readonly Glyph[]): [start: number, end: number][] {
  const spans: [number, number][] = []
  let end = 0
  while (end < glyphs.length) {
    const start = end
    while (end < glyphs.length && isBlank(glyphs[end] as Glyph)) end++
    if (end === glyphs.length) break
    while (end < glyphs.length && !isBlank(glyphs[end] as Glyph)) end++
    while (end < glyphs.length && isBlank(glyphs[end] as Glyph)) end++
    spans.push([start, end])
  }
  return spans
}

function trimEnd(glyphs: readonly Glyph[]): Glyph[] {
  let end = glyphs.length
  while (end > 0 && isBlank(glyphs[end - 1] as Glyph)) end--
  return glyphs.slice(0, end)
}

/** A line of at most `width`: blanks at its end go first, then letters, for `…`. */
function cut(line: readonly Glyph[], width: number): Glyph[] {
  const trimmed = widthOf(line) > width ? trimEnd(line) : [...line]
  if (widthOf(trimmed) <= width) return trimmed
  const kept: Glyph[] = []
  let used = 0
  for (const glyph of trimmed) {
    if (used + glyph.width > width - 1) break
    kept.push(glyph)
    used += glyph.width
  }
  const style = trimmed[kept.length]?.style
  return [...kept, ...blanks(Math.max(width - 1 - used, 0)), { character: '…', style, width: 1 }]
}

function justify(line: readonly Glyph[], width: number, align: Column['align']): Glyph[] {
  const text = align === 'left' ? [...line] : trimEnd(line)
  const free = Math.max(width - widthOf(text), 0)
  const before = align === 'left' ? 0 : align === 'right' ? free : Math.floor(free / 2)
  return [...blanks(before), ...text, ...blanks(free - before)]
}

/** Terminal cells of a character: 2 for East Asian wide ones and pictures, 0 for combining marks. */
function cellWidth(character: string): number {
  const code = character.codePointAt(0) as number
  if (code < 0x300) return 1
  if (/\p{Mn}|\p{Me}|\p{Cf}/u.test(character)) return 0
  return WIDE.some(([first, last]) => code >= first && code <= last) ? 2 : 1
}

const WIDE: readonly (readonly [first: number, last: number])[] = [
  [0x1100, 0x115f],
  [0x231a, 0x231b],
  [0x2329, 0x232a],
  [0x23e9, 0x23ec],
  [0x2614, 0x2615],
  [0x2648, 0x2653],
  [0x26a1, 0x26a1],
  [0x2705, 0x2705],
  [0x274c, 0x274c],
  [0x2b50, 0x2b50],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1f9ff],
  [0x20000, 0x3fffd],
]
