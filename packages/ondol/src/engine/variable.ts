/**
 * Variables: state that outlives a call. Inside `jit` a read is an input of the compiled function and
 * the last assignment an output, written into the Variable's memory in place.
 */
import type { DType } from '../core/dtype.js'
import { DisposedError, DTypeError, ShapeError, ValueError } from '../core/errors.js'
import { formatShape, type Shape, sameShape } from '../core/shape.js'
import type { Backend } from './backend.js'
import { bind, moveTo } from './bind.js'
import type { Buffer } from './buffer.js'
import { isStateless, readStateless, writeStateless } from './stateless-scope.js'
import { noteReadOnTapes, withoutTapes } from './tape.js'
import { Tensor } from './tensor.js'
import { currentTrace, type TracedState, withoutTrace } from './trace.js'

export interface VariableOptions {
  /** Name of its own, without the path. Default `variable`. */
  readonly name?: string
  /** Whether gradient tapes follow it. Default true. */
  readonly trainable?: boolean
  /** Whether a dtype policy may read it in its compute dtype. Default true. */
  readonly autocast?: boolean
}

/** A first value that is made when it is needed: never, if another one is assigned before. */
export interface LaterValue {
  readonly shape: Shape
  readonly dtype: DType
  readonly make: () => Tensor
}

let autocastDType: DType | undefined
let nextId = 0

/** How many Variables were ever made. */
export const variableCount = (): number => nextId

/** Variables alive, for `memory()`. */
export const variables = new Set<WeakRef<Variable>>()
const forget = new FinalizationRegistry<WeakRef<Variable>>((ref) => variables.delete(ref))

export class Variable implements TracedState {
  readonly id = nextId++
  readonly shape: Shape
  readonly dtype: DType
  name: string
  /** Where it lives: `model/layer/name`. Set by the layer that owns it. */
  path: string
  trainable: boolean
  autocast: boolean
  /** The penalty that whoever trains it adds to the loss. Set by the layer that owns it. */
  regularizer: ((value: Tensor) => Tensor) | undefined
  /** What an optimizer applies to it after each update. Set by the layer that owns it. */
  constraint: ((value: Tensor) => Tensor) | undefined
  #value: Tensor | undefined
  /** What `#value` will be, if nothing is assigned. */
  #later: (() => Tensor) | undefined
  /** `#value` was handed out, so its memory must not change. */
  #escaped = false

  /** `initial` is a tensor, or a function that makes one (run for real even while tracing), now or later. */
  constructor(
    initial: Tensor | (() => Tensor) | LaterValue,
    { name = 'variable', trainable = true, autocast = true }: VariableOptions = {},
  ) {
    const isLater = typeof initial === 'object' && initial !== null && 'make' in initial
    const value = typeof initial === 'function' ? withoutTrace(initial) : initial
    if (!isLater && !(value instanceof Tensor))
      throw new ValueError({
        where: `Variable ${name}`,
        problem: 'the first value is no tensor',
        expected: 'a tensor, or a function that gives one',
        received: String(value),
        hint: 'numbers become one with tensor(…)',
      })
    this.shape = value.shape
    this.dtype = value.dtype
    this.name = name
    this.path = name
    this.trainable = trainable
    this.autocast = autocast
    if (value instanceof Tensor) {
      // A tensor of the caller's own stays theirs: its memory is shared until one of both changes.
      this.#value = typeof initial === 'function' ? value : new Tensor(value, { buffer: value.buffer(`Variable ${name}`).retain() })
      this.#value.pin(true)
    } else this.#later = value.make
    const ref = new WeakRef(this)
    variables.add(ref)
    forget.register(this, ref)
  }

  /** The present value, in the compute dtype inside an autocast scope. Never changes once read. */
  get value(): Tensor {
    const value = this.uncastValue
    noteReadOnTapes(this, value, this.trainable)
    if (autocastDType === undefined || !this.autocast || value.dtype === autocastDType || !this.dtype.includes('float')) return value
    return bind('cast', { dtype: autocastDType }, [value])[0] as Tensor
  }

  /** Engine only: the value as it is stored, read without telling the tapes. */
  get uncastValue(): Tensor {
    const given = readStateless(this)
    if (given !== undefined) return given
    const trace = currentTrace()?.stateOwner
    if (trace !== undefined) return trace.readState(this)
    const value = this.#concrete('value')
    this.#escaped = true
    return value
  }

  /** Replaces the value with a tensor of the same shape and dtype. */
  assign(value: Tensor): void {
    if (!sameShape(value.shape, this.shape)) {
      throw new ShapeError({
        where: this.path,
        problem: 'the assigned value has another shape than the Variable',
        expected: formatShape(this.shape),
        received: formatShape(value.shape),
      })
    }
    if (value.dtype !== this.dtype) {
      throw new DTypeError({
        where: this.path,
        problem: 'the assigned value has another dtype than the Variable',
        expected: this.dtype,
        received: value.dtype,
        hint: 'convert it with ops.cast',
      })
    }
    if (writeStateless(this, value)) return
    const trace = currentTrace()
    if (trace !== undefined) {
      // A value of its own: no gradient flows through an assignment.
      trace.writeState(this, value.alias())
      return
    }
    this.#replace(new Tensor(value, { buffer: value.buffer(this.path).retain() }))
  }

  /** Engine only: assigns a value that was made for this alone, whose handle is then not left to the garbage collector. */
  assignOwned(value: Tensor): void {
    this.assign(value)
    if (currentTrace() === undefined && !isStateless()) value.dispose()
  }

  assignAdd(delta: Tensor): void {
    this.assign(bind('add', {}, [this.value, delta])[0] as Tensor)
  }

  assignSub(delta: Tensor): void {
    this.assign(bind('sub', {}, [this.value, delta])[0] as Tensor)
  }

  data(): ReturnType<Tensor['data']> {
    return this.#concrete('data()').data()
  }

  dataSync(): ReturnType<Tensor['dataSync']> {
    return this.#concrete('dataSync()').dataSync()
  }

  array(): ReturnType<Tensor['array']> {
    return this.#concrete('array()').array()
  }

  get isDisposed(): boolean {
    return this.#value === undefined && this.#later === undefined
  }

  /** Whether it holds memory: not before its value is needed, nor after it was disposed. */
  get isMade(): boolean {
    return this.#value !== undefined
  }

  /** Gives the memory back; the Variable cannot be used after. */
  dispose(): void {
    this.#value?.pin(false)
    if (!this.#escaped) this.#value?.dispose()
    this.#value = undefined
    this.#later = undefined
  }

  toString(): string {
    return `Variable(path=${this.path}, shape=${formatShape(this.shape)}, dtype=${this.dtype})`
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }

  /** Engine only: the memory on `backend`, for reading. A Variable follows the backend that uses it. */
  bufferToRead(backend: Backend): Buffer {
    const value = this.#concrete('read')
    const buffer = value.buffer(this.path)
    if (buffer.backend === backend) return buffer
    const moved = moveTo(backend, value).retain()
    this.#replace(new Tensor(this, { buffer: moved }))
    return moved
  }

  /**
   * Engine only: memory that nobody else sees, holding the present value, about to be changed in place.
   */
  bufferToUpdate(backend: Backend): Buffer {
    const buffer = this.bufferToRead(backend)
    if (!this.#escaped && !buffer.isShared) {
      buffer.version++
      return buffer
    }
    const copy = copyOf(this.#concrete('update'))
    this.#replace(new Tensor(this, { buffer: copy }))
    return copy
  }

  #concrete(where: string): Tensor {
    if (this.#later !== undefined) this.#replace(withoutTrace(this.#later))
    if (this.#value === undefined) throw new DisposedError({ where: `${this.path}.${where}`, problem: 'this Variable was disposed' })
    return this.#value
  }

  #replace(value: Tensor): void {
    const old = this.#value
    old?.pin(false)
    // A value that was seen from outside is freed when its last holder lets go of it.
    if (!this.#escaped) old?.dispose()
    value.pin(true)
    this.#value = value
    this.#later = undefined
    this.#escaped = false
  }
}

function copyOf(value: Tensor): Buffer {
  const { shape } = value
  const whole = { start: shape.map(() => 0), size: shape, step: shape.map(() => 1) }
  const [copy] = withoutTrace(() => withoutTapes(() => bind('slice', whole, [value]))) as [Tensor]
  const buffer = copy.buffer('copy').retain()
  copy.dispose()
  return buffer
}

/** Runs `body` with float Variables read in `dtype` (undefined: as they are). */
export function withAutocast<R>(dtype: DType | undefined, body: () => R): R {
  const outer = autocastDType
  autocastDType = dtype
  try {
    return body()
  } finally {
    autocastDType = outer
  }
}
