/** Runs cases and judges them: nothing but a `SavingError` may come of a damaged file, soon, and without much memory. */
import { SavingError } from '../../packages/ondol/src/core/errors.js'
import type { Kind } from './kind.js'
import { MemoryWatch } from './memory.js'
import { Random } from './random.js'

/** Milliseconds of computing for a file of some kilobytes. */
export const SLOWEST = 2000
/** Bytes that reading may take: so many for each byte of the file, and so many whatever it is. */
export const MOST_PER_BYTE = 4
export const MOST_BESIDES = 128 * 2 ** 20

export interface Verdict {
  /** Whether anything was refused: the rest of the damage went to values. */
  readonly refused: boolean
  readonly milliseconds: number
  /** Bytes beside the file, where the system tells. */
  readonly memory: number
  /** What is wrong, if anything. */
  readonly finding?: string
}

/** The case of a number. */
export async function judge(kind: Kind, number: number): Promise<Verdict> {
  const { byteLength, read } = await kind(new Random(number))
  const watch = new MemoryWatch()
  // What others do on the machine is not this reader's.
  const start = process.cpuUsage()
  let refused = false
  let finding: string | undefined
  try {
    refused = ((await read()) ?? 0) > 0
  } catch (error) {
    refused = error instanceof SavingError
    if (!refused) finding = error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
  const milliseconds = process.cpuUsage(start).user / 1000
  const memory = watch.stop()
  if (milliseconds > SLOWEST) finding ??= `took ${Math.round(milliseconds)} ms`
  if (memory > MOST_PER_BYTE * byteLength + MOST_BESIDES)
    finding ??= `took ${Math.round(memory / 2 ** 20)} MiB for a file of ${byteLength} bytes`
  return { refused, milliseconds, memory, ...(finding !== undefined && { finding }) }
}
