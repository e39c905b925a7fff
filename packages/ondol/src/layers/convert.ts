/** What people pass to layers as tensors. */
import { ValueError } from '../core/errors.js'
import { Tensor, Variable } from '../engine/index.js'
import { asTensor, type TensorLike } from '../ops/define.js'

export function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Numbers as people write them, not yet a tensor: a number, a typed array, or arrays of arrays of numbers. */
function isNumbers(value: unknown): value is TensorLike {
  if (typeof value === 'number' || typeof value === 'boolean' || ArrayBuffer.isView(value)) return true
  let first = value
  while (Array.isArray(first) && first.length > 0) first = first[0]
  return Array.isArray(value) && (typeof first === 'number' || typeof first === 'boolean')
}

/** A positional argument with tensors at its leaves, each passed through `change`; `null` stays. */
export function convertInput(arg: unknown, change: (x: Tensor) => Tensor): unknown {
  if (isNumbers(arg)) return change(asTensor(arg))
  if (Array.isArray(arg)) return arg.map((item) => convertInput(item, change))
  if (isRecord(arg)) return Object.fromEntries(Object.entries(arg).map(([key, item]) => [key, convertInput(item, change)]))
  if (arg instanceof Tensor) return change(arg)
  if (arg instanceof Variable) return change(arg.value)
  if (arg === null || arg === undefined) return arg
  if (typeof arg === 'function' && 'className' in arg && 'inboundNodes' in arg) {
    const { name } = arg as { readonly name: string }
    throw new ValueError({
      problem: `the layer '${name}' itself came where a tensor is needed`,
      received: String(arg),
      hint: `call it on its input first: ${name}(x)`,
    })
  }
  throw new ValueError({
    problem: 'only tensors may be passed by position',
    received: `${typeof arg} ${String(arg)}`,
    hint: 'pass it by name in the options record, which comes last',
  })
}
