/**
 * Values in configs for which JSON has no form: tensors, arrays, bytes, slices, `...`. Follows `serialization_lib.py`; its tuples are
 * plain lists in files. What Python has and JavaScript lacks becomes what `ops.getItem` takes.
 */
import { type DType, storedDType, type TypedArray } from '../core/dtype.js'
import { SavingError } from '../core/errors.js'
import { isSerializedObject, type SerializedObject } from '../core/spelling.js'
import { type NestedArray, Tensor, tensor, Variable } from '../engine/index.js'

type Revive = (config: SerializedObject['config'], inner: (item: unknown) => unknown) => unknown

/** By `class_name`. */
const FORMS: ReadonlyMap<string, Revive> = new Map(
  Object.entries<Revive>({
    __tensor__: tensorFrom,
    __numpy__: tensorFrom,
    __tuple__: (config, inner) => inner(config.value ?? config),
    __bytes__: ({ value }) => new TextEncoder().encode(String(value)),
    __ellipsis__: () => '...',
    __slice__: ({ start, stop, step }, inner) => ({ start: inner(start ?? null), stop: inner(stop ?? null), step: inner(step ?? null) }),
  }),
)

export const isConstant = ({ class_name: form }: SerializedObject): boolean => FORMS.has(form)
export const isArrayConstant = (value: unknown): value is SerializedObject =>
  isSerializedObject(value) && ['__tensor__', '__numpy__'].includes(value.class_name)

/**
 * The value that is described; `inner` gives those in it.
 *
 * @throws SavingError for elements or dtypes that there are none of here.
 */
export function reviveConstant(
  { class_name: form, config }: SerializedObject,
  inner: (item: unknown) => unknown = (item) => item,
): unknown {
  // A string would have members too.
  const members = typeof config === 'object' && config !== null ? config : {}
  return (FORMS.get(form) as Revive)(members, inner)
}

function tensorFrom({ value, dtype }: SerializedObject['config']): Tensor {
  const stored = requireDType(dtype)
  if (typeof value === 'object' || typeof value === 'number' || typeof value === 'boolean')
    return tensor(value as NestedArray, undefined, stored)
  throw new SavingError({ problem: 'the elements of a tensor in a config are not there', received: String(value).slice(0, 40) })
}

/** @throws SavingError for what is no dtype. */
export function requireDType(name: unknown): DType {
  const dtype = storedDType(name)
  if (dtype !== undefined) return dtype
  throw new SavingError({ problem: 'unknown dtype', received: String(name) })
}

/** A tensor, Variable or typed array as a config holds it; undefined for anything else. */
export function describeArray(value: unknown): unknown {
  if (value instanceof Variable) return described('__tensor__', value.uncastValue.arraySync(), value.dtype)
  if (value instanceof Tensor) return described('__tensor__', value.arraySync(), value.dtype)
  if (!ArrayBuffer.isView(value) || value instanceof DataView) return undefined
  return described('__numpy__', Array.from(value as TypedArray | BigInt64Array, Number), dtypeOf(value))
}

const described = (className: string, value: unknown, dtype: string): unknown => ({ class_name: className, config: { value, dtype } })

function dtypeOf(view: ArrayBufferView): DType {
  if (view instanceof Float64Array) return 'float64'
  if (view instanceof Float32Array) return 'float32'
  return view instanceof Uint8Array || view instanceof Uint8ClampedArray ? 'uint8' : 'int32'
}
