/**
 * Python's `str.format` for numbers, as far as names of files need it (`{epoch:02d}-{val_loss:.2f}`), and
 * floats as Python prints them. https://docs.python.org/3/library/string.html#format-string-syntax
 */
import { ValueError } from '../core/errors.js'

/** A number that prints as one of Python's floats does; plain numbers in `formatPython` are its ints. */
export class PythonFloat {
  constructor(readonly value: number) {}
}

type Field = number | PythonFloat

/** As Python's `repr` of a float: `1.0`, `1e-05`, `nan`. */
export function pythonFloat(value: number): string {
  if (!Number.isFinite(value)) return notFinite(value)
  const [digits, exponent] = value.toExponential().split('e') as [string, string]
  const power = Number(exponent)
  if (power < -4 || power >= 16) return `${digits}e${signedExponent(power)}`
  const plain = Object.is(value, -0) ? '-0' : String(value)
  return plain.includes('.') ? plain : `${plain}.0`
}

const notFinite = (value: number): string => (Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf')
const signedExponent = (power: number): string => `${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`

/**
 * Fills the fields of a template: `{name}` or `{name:spec}`; `{{` and `}}` are braces.
 *
 * @throws ValueError for a name that is not there, or a spec that Python refuses.
 * @example
 * formatPython('{epoch:02d}-{loss:.2f}', { epoch: 3, loss: new PythonFloat(0.126) }) // '03-0.13'
 */
export function formatPython(template: string, fields: Readonly<Record<string, Field>>): string {
  return template.replace(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g, (match, field: string | undefined) => {
    if (match === '{{' || match === '}}') return match.charAt(0)
    const [, name = '', spec = ''] = /^([^:]*)(?::(.*))?$/s.exec(field ?? '') ?? []
    if (field === undefined || !Object.hasOwn(fields, name))
      throw new ValueError({
        where: template,
        problem: field === undefined ? `there is a single '${match}'` : `there is no value for {${field}}`,
        expected: Object.keys(fields)
          .map((known) => `{${known}}`)
          .join(', '),
        hint: 'write {{ and }} for braces themselves',
      })
    return formatField(fields[name] as Field, spec, template)
  })
}

const SPEC = /^(?:(.)?([<>=^]))?([-+ ])?(#)?(0)?(\d{1,3})?([,_])?(?:\.(\d{1,3}))?([bdeEfFgGoxX%])?$/su

function formatField(field: Field, spec: string, where: string): string {
  const parts = SPEC.exec(spec)
  const isFloat = field instanceof PythonFloat
  const refuse = (): never => {
    throw new ValueError({
      where,
      problem: `'${spec}' is no format of ${isFloat ? 'a float' : 'an int'}`,
      expected: "such as '02d' for an int, '.3f' for a float",
    })
  }
  if (parts === null) return refuse()
  const [, fill, align, sign = '-', alternate, zero, width = '0', group, precision, type] = parts
  const digits = precision === undefined ? undefined : Number(precision)
  const value = isFloat ? field.value : field
  const isIntType = type !== undefined && 'bdoxX'.includes(type)
  if (isFloat ? isIntType : digits !== undefined && (type === undefined || isIntType)) refuse()
  const isNegative = value < 0 || Object.is(value, -0)
  const magnitude =
    isFloat || (type !== undefined && !isIntType)
      ? floatDigits(Math.abs(value), type, digits, alternate !== undefined)
      : intDigits(Math.abs(value), type)
  const prefix = alternate !== undefined && type !== undefined && type in RADIX ? `0${type}` : ''
  const lead = (isNegative ? '-' : sign === '-' ? '' : sign) + prefix
  const padding = fill ?? (zero !== undefined ? '0' : ' ')
  const place = align ?? (zero !== undefined ? '=' : '>')
  // With zeros in front, the zeros are grouped too.
  const room = Number(width) - lead.length
  const grouped =
    group === undefined || !Number.isFinite(value) ? magnitude : grouping(magnitude, group, place === '=' && padding === '0' ? room : 0)
  if (place === '=') return lead + grouped.padStart(room, padding)
  const text = lead + grouped
  const missing = Math.max(Number(width) - text.length, 0)
  const before = place === '<' ? 0 : place === '>' ? missing : Math.floor(missing / 2)
  return padding.repeat(before) + text + padding.repeat(missing - before)
}

const RADIX: Readonly<Record<string, number>> = { b: 2, o: 8, x: 16, X: 16 }

function intDigits(value: number, type = 'd'): string {
  const digits = BigInt(value).toString(RADIX[type] ?? 10)
  return type === 'X' ? digits.toUpperCase() : digits
}

function floatDigits(value: number, type: string | undefined, precision: number | undefined, alternate: boolean): string {
  const isUpper = type !== undefined && 'EFG'.includes(type)
  const percent = type === '%' ? '%' : ''
  const dot = (text: string): string => (alternate && !text.includes('.') ? text.replace(/^\d+/, '$&.') : text)
  let text: string
  if (!Number.isFinite(value)) text = notFinite(value)
  else if (type === undefined && precision === undefined) text = pythonFloat(value)
  else if (type === 'f' || type === 'F') text = dot(fixed(value, precision ?? 6))
  else if (type === '%') text = dot(fixed(value * 100, precision ?? 6))
  else if (type === 'e' || type === 'E') text = dot(exponential(value, precision ?? 6))
  else text = dot(general(value, precision ?? 6, alternate, type === undefined))
  return (isUpper ? text.toUpperCase() : text) + percent
}

/** `g`, and what Python does with a precision but no type: the same, but it always looks like a float. */
function general(value: number, precision: number, alternate: boolean, isPlain: boolean): string {
  const digits = Math.max(precision, 1)
  const [mantissa, power] = exponential(value, digits - 1).split('e') as [string, string]
  const exponent = Number(power)
  const trim = (text: string): string => (alternate || !text.includes('.') ? text : text.replace(/\.?0+$/, ''))
  if (exponent < -4 || exponent >= (isPlain ? digits - 1 : digits)) return `${trim(mantissa)}e${signedExponent(exponent)}`
  const text = trim(fixed(value, digits - 1 - exponent))
  return isPlain && !text.includes('.') ? `${text}.0` : text
}

/** The exact value of a double, not negative, times 10^power, rounded to a whole number, ties to even. */
function scaled(value: number, power: number): bigint {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const biased = Number(bits >> 52n)
  const mantissa = (bits & 0xfffffffffffffn) | (biased > 0 ? 1n << 52n : 0n)
  const exponent = Math.max(biased, 1) - 1075
  const numerator = mantissa * 2n ** BigInt(Math.max(exponent, 0)) * 10n ** BigInt(Math.max(power, 0))
  const denominator = 2n ** BigInt(Math.max(-exponent, 0)) * 10n ** BigInt(Math.max(-power, 0))
  const [quotient, rest] = [numerator / denominator, (numerator % denominator) * 2n]
  return rest > denominator || (rest === denominator && quotient % 2n === 1n) ? quotient + 1n : quotient
}

function fixed(value: number, precision: number): string {
  const digits = String(scaled(value, precision)).padStart(precision + 1, '0')
  return precision === 0 ? digits : `${digits.slice(0, -precision)}.${digits.slice(-precision)}`
}

function exponential(value: number, precision: number): string {
  // One too low at first: the shortest digits may be rounded up to a power of ten.
  let power = value === 0 ? 0 : Number(value.toExponential().split('e')[1]) - 1
  let digits = String(scaled(value, precision - power))
  while (digits.length > precision + 1) digits = String(scaled(value, precision - ++power))
  const text = digits.padEnd(precision + 1, '0')
  return `${text.charAt(0)}${precision > 0 ? `.${text.slice(1)}` : ''}e${signedExponent(power)}`
}

/** Separators between groups of three in the whole part, and zeros in front up to `width`. */
function grouping(text: string, separator: string, width: number): string {
  const [, whole, rest] = /^(\d*)(.*)$/s.exec(text) as unknown as [string, string, string]
  const group = (digits: string): string => digits.replace(/\B(?=(\d{3})+$)/g, separator)
  let digits = whole
  while (group(digits).length + rest.length < width) digits = `0${digits}`
  return group(digits) + rest
}
