/** Questions about dtypes, which `keras.backend` answers in Python. */
import { type DType, isDType, isFloat, isInteger, promote } from '../core/dtype.js'
import { DTypeError } from '../core/errors.js'
import { floatx } from '../ops/config.js'

/** Wide integers that are kept as narrower ones. */
const NARROWED: Readonly<Record<string, DType>> = {
  int64: 'int32',
  int: 'int32',
  uint32: 'int32',
  int16: 'int32',
  int8: 'int32',
  float: 'float32',
  double: 'float64',
}

/**
 * The dtype by its name; null gives `floatx()`, and integers that do not exist here become int32.
 *
 * @throws DTypeError when there is none.
 */
export function standardizeDtype(dtype: string | null | undefined): DType {
  if (dtype === null || dtype === undefined) return floatx()
  if (isDType(dtype)) return dtype
  const narrowed = Object.hasOwn(NARROWED, dtype) ? NARROWED[dtype] : undefined
  if (narrowed !== undefined) return narrowed
  throw new DTypeError({
    where: 'standardizeDtype',
    problem: 'unknown dtype',
    expected: "a name such as 'float32'",
    received: String(dtype),
  })
}

/** Whether the dtype holds fractions: `isFloatDtype('bfloat16')` is true. */
export const isFloatDtype = (dtype: string | null): boolean => isFloat(standardizeDtype(dtype))

/** Whether the dtype holds whole numbers, signed or not; `bool` does not. */
export const isIntDtype = (dtype: string | null): boolean => isInteger(standardizeDtype(dtype))

/**
 * The dtype in which values of these dtypes meet; `'int'` and `'float'` stand for plain numbers, which widen nothing; none gives `floatx()`.
 *
 * ```ts
 * resultType('bfloat16', 'int') // 'bfloat16'
 * resultType('int32', 'float32') // 'float32'
 * ```
 */
export function resultType(...dtypes: readonly (string | null)[]): DType {
  if (dtypes.length === 0) return floatx()
  return promote(
    dtypes.map((dtype) => (dtype === 'int' || dtype === 'float' ? dtype : standardizeDtype(dtype))),
    floatx(),
  )
}
