/** Bringing operands together: Keras's dtype promotion and NumPy's broadcasting. */
import { type DType, isFloat, promote, type WeakDType } from '../core/dtype.js'
import { broadcastShapes, type Shape } from '../core/shape.js'
import { lax, type Tensor, Tensor as TensorClass, Variable } from '../engine/index.js'
import { floatx } from './config.js'
import { asTensor, type TensorLike } from './define.js'

/** Plain numbers are weak: they take the dtype of what they meet. */
function typeOf(value: TensorLike): DType | WeakDType {
  if (value instanceof TensorClass || value instanceof Variable) return value.dtype
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float'
  return asTensor(value).dtype
}

/** The dtype in which operands meet; at least `minimum` if given. */
export function resultType(values: readonly TensorLike[], minimum?: DType | WeakDType): DType {
  const types: (DType | WeakDType)[] = values.map(typeOf)
  if (minimum !== undefined) types.push(minimum)
  return promote(types, floatx())
}

/** A tensor of exactly `dtype`; numbers become scalars without a round trip through memory. */
export function toDType(value: TensorLike, dtype: DType): Tensor {
  if (typeof value === 'number' || typeof value === 'boolean') return lax.full([], dtype, Number(value))
  return lax.cast(asTensor(value), dtype)
}

/** Operands in one dtype and one shape. */
export function together(values: readonly TensorLike[], where: string, minimum?: DType | WeakDType): Tensor[] {
  const dtype = resultType(values, minimum)
  return broadcastTogether(
    values.map((value) => toDType(value, dtype)),
    where,
  )
}

/** Operands in one shape, dtypes as they are. */
export function broadcastTogether(tensors: readonly Tensor[], where: string): Tensor[] {
  const shape = tensors.reduce<Shape>((all, tensor) => broadcastShapes(all, tensor.shape, where), [])
  return tensors.map((tensor) => lax.broadcastTo(tensor, shape))
}

/** A float tensor: integers and booleans become `floatx`. */
export function toFloat(value: TensorLike): Tensor {
  const dtype = resultType([value])
  return toDType(value, isFloat(dtype) ? dtype : floatx())
}
