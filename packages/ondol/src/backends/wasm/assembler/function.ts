/** Builds one function: locals, statements, structured control. */
import { type Code, flattenCode, Local, type Operand, Statement, TYPE_BYTES, type Type, unsigned, Value } from './code.js'
import { i32, valueOf } from './instructions.js'

/** A place to branch to: the end of a block, or the start of a loop. */
export class Label {
  constructor(readonly depth: number) {}
}

export class FunctionBuilder {
  readonly #locals: Type[] = []
  readonly #parameters: number
  #code: Code[] = []
  #depth = 0

  constructor(parameters: number) {
    this.#parameters = parameters
  }

  /** A new local, 0 at the start of the function only. */
  local<T extends Type>(type: T): Local<T> {
    this.#locals.push(type)
    return new Local(type, this.#parameters + this.#locals.length - 1)
  }

  /** A new local that holds `value`. */
  let<T extends Type>(value: Value<T>): Local<T> {
    const local = this.local(value.type)
    this.set(local, value)
    return local
  }

  set<T extends Type>(local: Local<T>, value: Operand<T>): void {
    this.#code.push([valueOf(local.type, value).code, 0x21, unsigned(local.index)])
  }

  /** `local += amount`. */
  advance(local: Local<'i32'>, amount: Operand<'i32'>): void {
    if (amount !== 0) this.set(local, i32.add(local, amount))
  }

  emit(...statements: readonly Statement[]): void {
    for (const statement of statements) this.#code.push(statement.code)
  }

  /** Computes a value for its effect only. */
  drop(value: Value): void {
    this.#code.push([value.code, 0x1a])
  }

  /** Code after which `branch(exit)` goes on. */
  block(body: (exit: Label) => void): void {
    this.#nest(0x02, body)
  }

  /** Code that `branch(again)` repeats. */
  loop(body: (again: Label) => void): void {
    this.#nest(0x03, body)
  }

  if(condition: Value<'i32'>, whenTrue: () => void, whenFalse?: () => void): void {
    this.#code.push(condition.code, 0x04, 0x40)
    this.#depth++
    whenTrue()
    if (whenFalse !== undefined) {
      this.#code.push(0x05)
      whenFalse()
    }
    this.#depth--
    this.#code.push(0x0b)
  }

  branch(label: Label): void {
    this.#code.push([0x0c, unsigned(this.#depth - label.depth)])
  }

  branchIf(label: Label, condition: Value<'i32'>): void {
    this.#code.push([condition.code, 0x0d, unsigned(this.#depth - label.depth)])
  }

  while(condition: Value<'i32'>, body: () => void): void {
    this.if(condition, () => this.doWhile(body, condition))
  }

  doWhile(body: () => void, condition: Value<'i32'>): void {
    this.loop((again) => {
      body()
      this.branchIf(again, condition)
    })
  }

  /** Counts `index` from `start` while it is below `end` (signed). */
  for(index: Local<'i32'>, start: Operand<'i32'>, end: Operand<'i32'>, step: Operand<'i32'>, body: () => void): void {
    this.set(index, start)
    this.while(i32.ltS(index, end), () => {
      body()
      this.advance(index, step)
    })
  }

  return(value?: Value): void {
    this.#code.push(value === undefined ? [0x0f] : [value.code, 0x0f])
  }

  #nest(opcode: number, body: (label: Label) => void): void {
    this.#code.push(opcode, 0x40)
    this.#depth++
    body(new Label(this.#depth))
    this.#depth--
    this.#code.push(0x0b)
  }

  /** The function's entry in the code section. A function with a result ends in `return`. */
  encode(hasResult: boolean): number[] {
    const groups: [Type, number][] = []
    for (const type of this.#locals) {
      const last = groups.at(-1)
      if (last !== undefined && last[0] === type) last[1]++
      else groups.push([type, 1])
    }
    const bytes: number[] = []
    flattenCode([unsigned(groups.length), groups.map(([type, count]) => [unsigned(count), TYPE_BYTES[type]])], bytes)
    flattenCode(this.#code, bytes)
    if (hasResult) bytes.push(0x00)
    bytes.push(0x0b)
    return [...unsigned(bytes.length), ...bytes]
  }
}

/** A function that code can call. */
export class FunctionReference<P extends readonly Type[] = readonly Type[], R extends Type | null = Type | null> {
  constructor(
    readonly index: number,
    readonly parameters: P,
    readonly result: R,
  ) {}

  #arguments(values: readonly Operand<Type>[]): Code {
    return [values.map((value, at) => valueOf(this.parameters[at] as Type, value as Operand<Type>).code), 0x10, unsigned(this.index)]
  }

  /** The value that a call gives. */
  call(...values: { readonly [K in keyof P]: Operand<P[K]> }): Value<R extends Type ? R : never> {
    return new Value(this.result as R extends Type ? R : never, this.#arguments(values as readonly Operand<Type>[]))
  }

  /** A call of a function that gives nothing. */
  do(...values: { readonly [K in keyof P]: Operand<P[K]> }): Statement {
    return new Statement(this.#arguments(values as readonly Operand<Type>[]))
  }
}
