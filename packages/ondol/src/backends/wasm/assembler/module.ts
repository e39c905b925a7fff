/** Puts functions together into a WebAssembly module over one imported memory (`env.memory`). */
import { type Local, Local as LocalVariable, TYPE_BYTES, type Type, unsigned } from './code.js'
import { FunctionBuilder, FunctionReference } from './function.js'

export interface MemoryImport {
  readonly shared: boolean
  /** 64 KiB pages; the real memory's maximum must not be more. */
  readonly maximum: number
}

type Parameters<P extends readonly Type[]> = { readonly [K in keyof P]: Local<P[K]> }

export class ModuleBuilder {
  readonly #types: string[] = []
  readonly #typeBytes: number[][] = []
  readonly #imports: number[][] = []
  readonly #functionTypes: number[] = []
  readonly #bodies: number[][] = []
  readonly #exports: number[][] = []

  constructor(memory: MemoryImport) {
    const limits = memory.shared ? [0x03, 0, ...unsigned(memory.maximum)] : [0x00, 0]
    this.#imports.push([...text('env'), ...text('memory'), 0x02, ...limits])
  }

  get #functionCount(): number {
    return this.#imports.length - 1 + this.#functionTypes.length
  }

  /** A function from `module.name` of the import object. All imports come before the first definition. */
  import<const P extends readonly Type[], R extends Type | null>(
    module: string,
    name: string,
    parameters: P,
    result: R,
  ): FunctionReference<P, R> {
    const index = this.#functionCount
    this.#imports.push([...text(module), ...text(name), 0x00, ...unsigned(this.#typeOf(parameters, result))])
    return new FunctionReference(index, parameters, result)
  }

  /** Defines a function; with a `name` it is exported. */
  function<const P extends readonly Type[], R extends Type | null>(
    name: string | null,
    parameters: P,
    result: R,
    body: (f: FunctionBuilder, ...parameters: Parameters<P>) => void,
  ): FunctionReference<P, R> {
    const index = this.#functionCount
    const builder = new FunctionBuilder(parameters.length)
    body(builder, ...(parameters.map((type, at) => new LocalVariable(type, at)) as unknown as Parameters<P>))
    this.#functionTypes.push(this.#typeOf(parameters, result))
    this.#bodies.push(builder.encode(result !== null))
    if (name !== null) this.#exports.push([...text(name), 0x00, ...unsigned(index)])
    return new FunctionReference(index, parameters, result)
  }

  encode(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from([
      ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, this.#typeBytes),
      ...section(2, this.#imports),
      ...section(3, this.#functionTypes.map(unsigned)),
      ...section(7, this.#exports),
      ...section(10, this.#bodies),
    ])
  }

  #typeOf(parameters: readonly Type[], result: Type | null): number {
    const key = `${parameters.join()}>${result}`
    const known = this.#types.indexOf(key)
    if (known >= 0) return known
    const results = result === null ? [] : [TYPE_BYTES[result]]
    this.#typeBytes.push([0x60, ...unsigned(parameters.length), ...parameters.map((type) => TYPE_BYTES[type]), results.length, ...results])
    return this.#types.push(key) - 1
  }
}

const text = (value: string): number[] => {
  const bytes = new TextEncoder().encode(value)
  return [...unsigned(bytes.length), ...bytes]
}

function section(id: number, items: readonly (readonly number[])[]): number[] {
  if (items.length === 0) return []
  const content = [...unsigned(items.length)]
  for (const item of items) for (const byte of item) content.push(byte)
  return [id, ...unsigned(content.length), ...content]
}
