/** Writes zip archives whose members are stored, as Keras's are: readers can look into them without unpacking. */
import type { ByteSink } from '../../core/bytes.js'
import { SavingError } from '../../core/errors.js'
import { crc32 } from './crc32.js'
import { centralHeader, endRecords, localHeader, type ZipEntry } from './records.js'

/** Hands a member over, piece by piece. Called twice, it must give the same bytes twice. */
export type WriteMember = (sink: ByteSink) => Promise<void>

/**
 * @example
 * const zip = new ZipWriter(sink)
 * await zip.add('config.json', new TextEncoder().encode('{}'))
 * await zip.finish()
 */
export class ZipWriter {
  readonly #sink: ByteSink
  readonly #entries: ZipEntry[] = []
  #position = 0

  constructor(sink: ByteSink) {
    this.#sink = sink
  }

  add(name: string, bytes: Uint8Array): Promise<void> {
    return this.addParts(name, (sink) => sink.write(bytes))
  }

  /** A member of any size. Length and checksum stand before it, so it is gone through once to find them. */
  async addParts(name: string, write: WriteMember): Promise<void> {
    if (this.#entries.some((entry) => entry.name === name)) {
      throw new SavingError({ where: name, problem: 'the archive has a member of this name already' })
    }
    let [crc, byteLength] = [0, 0]
    await write({
      async write(bytes) {
        crc = crc32(bytes, crc)
        byteLength += bytes.length
      },
    })
    const entry = { name, isDeflated: false, crc, byteLength, storedLength: byteLength, offset: this.#position }
    await this.#write(localHeader(entry))
    const start = this.#position
    await write({ write: (bytes) => this.#write(bytes) })
    if (this.#position - start !== byteLength)
      throw new SavingError({ where: name, problem: 'what is saved changed while it was being saved' })
    this.#entries.push(entry)
  }

  /** Writes the table of contents; the archive is whole after it. */
  async finish(): Promise<void> {
    const offset = this.#position
    for (const entry of this.#entries) await this.#write(centralHeader(entry))
    await this.#write(endRecords(this.#entries.length, this.#position - offset, offset))
  }

  async #write(bytes: Uint8Array): Promise<void> {
    await this.#sink.write(bytes)
    this.#position += bytes.length
  }
}
