/** What a compiled function has made of Variables that it only reads, and whether that still holds. */
import type { Memory, Program } from './backend.js'
import { Buffer } from './buffer.js'
import type { Abstract } from './graph.js'
import { Tensor } from './tensor.js'

export class Preparation {
  /** The Variables' memory as it was last time. */
  readonly #seen: { buffer: Buffer; version: number }[] = []
  #prepared: readonly Tensor[] | undefined

  /** `program` computes `results` from the Variables; null where they are used as they are. */
  constructor(
    readonly program: Program | null,
    readonly results: readonly Abstract[],
  ) {}

  /** Appends what was prepared to `inputs`, computed again if `sources` are not those of last time. Says whether they are not. */
  prepare(sources: readonly Buffer[], inputs: Memory[]): boolean {
    const isNew = this.#notice(sources)
    this.#prepared ??= this.results.map(keptTensor)
    const first = inputs.length
    for (const tensor of this.#prepared) inputs.push(tensor.buffer('jit').memory)
    if (isNew && this.program !== null) {
      this.program.run(
        sources.map(({ memory }) => memory),
        inputs.slice(first),
      )
    }
    return isNew
  }

  /** Takes nothing for known. */
  forget(): void {
    this.#seen.length = 0
  }

  dispose(): void {
    this.program?.dispose()
    for (const tensor of this.#prepared ?? []) {
      tensor.pin(false)
      tensor.dispose()
    }
    this.#prepared = undefined
    this.forget()
  }

  #notice(sources: readonly Buffer[]): boolean {
    let isNew = false
    for (const [i, buffer] of sources.entries()) {
      const seen = this.#seen[i]
      if (seen?.buffer === buffer && seen.version === buffer.version) continue
      this.#seen[i] = { buffer, version: buffer.version }
      isNew = true
    }
    return isNew
  }
}

/** Undefined content, out of reach of `tidy`. */
function keptTensor(abstract: Abstract): Tensor {
  const tensor = new Tensor(abstract, { buffer: Buffer.allocate(abstract) })
  tensor.pin(true)
  return tensor
}
