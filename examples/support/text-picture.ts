/** Pictures and bars as text: two pixels a character, in greys where the terminal has colours, else in shades. */

const SHADES = [' ', '░', '▒', '▓', '█']
const hasColours = process.stdout.isTTY === true && !process.env.NO_COLOR

/** Grey pixels (0 to 255, row-major) as lines of `width` characters, each two rows high. */
export function picture(pixels: ArrayLike<number>, width: number): string[] {
  const at = (x: number, y: number): number => pixels[y * width + x] ?? 0
  const draw = hasColours ? halves : shade
  return Array.from({ length: Math.ceil(pixels.length / width / 2) }, (_, row) => {
    const line = Array.from({ length: width }, (_, x) => draw(at(x, 2 * row), at(x, 2 * row + 1))).join('')
    return hasColours ? `${line}\x1b[0m` : line
  })
}

/** An upper half block: its colour is the upper pixel, the one behind it the lower. 232 to 255 are terminals' greys. */
function halves(upper: number, lower: number): string {
  const grey = (value: number): number => 232 + Math.round((value / 255) * 23)
  return `\x1b[38;5;${grey(upper)};48;5;${grey(lower)}m▀`
}

function shade(upper: number, lower: number): string {
  return SHADES[Math.round(((upper + lower) / 2 / 255) * (SHADES.length - 1))] ?? ' '
}

/** A share between 0 and 1 as a bar, in eighths of a character. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(share * width * 8)
  const rest = eighths % 8
  return '█'.repeat(Math.floor(eighths / 8)) + (rest === 0 ? '' : String.fromCodePoint(0x2590 - rest))
}

/** Two columns of lines side by side. */
export function beside(left: readonly string[], right: readonly string[], gap = '   '): string {
  return left.map((line, row) => (line + gap + (right[row] ?? '')).trimEnd()).join('\n')
}
