/** The platform under Node.js (also Bun and Deno): files, environment, terminal. */
import { randomUUID } from 'node:crypto'
import { readFileSync, write } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, rmdir, stat, unlink } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { ByteSink } from '../core/bytes.js'
import { DataError } from '../core/errors.js'
import type { Platform } from './platform.js'
import { startThread } from './threads-node.js'

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')

const isOccupied = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST')

/** Node refuses to read 2 GiB or more at once. */
const LARGEST_READ = 1 << 30

async function writeParts(path: string, write: (sink: ByteSink) => Promise<void>): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const temporary = `${path}.${randomUUID()}.part`
  try {
    const file = await open(temporary, 'wx')
    try {
      await write({ write: (bytes) => file.writeFile(bytes) })
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await flushFolder(dirname(path))
}

/** A new name is on the disk when its folder is. Windows flushes no folders. */
async function flushFolder(path: string): Promise<void> {
  const folder = await open(path).catch(() => undefined)
  await folder?.sync().catch(() => undefined)
  await folder?.close()
}

/** Text on its way to the terminal. Node writes to one synchronously; a thread that waits for it does not stop this one. */
let written: Promise<void> = Promise.resolve()

const writeToTerminal = async (bytes: Uint8Array): Promise<void> => {
  for (let rest = bytes; rest.length > 0; ) {
    try {
      const { bytesWritten } = await writeBytes(process.stdout.fd, rest)
      rest = rest.subarray(bytesWritten)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error
      await sleep(TERMINAL_RETRY_MS)
    }
  }
}

const TERMINAL_RETRY_MS = 10
const writeBytes = promisify(write)

export const platform: Platform = {
  name: 'node',

  environment: (name) => process.env[name],

  cacheFolder: () => join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ondol'),

  async readFile(path) {
    try {
      const { buffer, byteOffset, length } = await readFile(path)
      return new Uint8Array(buffer, byteOffset, length)
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  },

  readFileNow(path) {
    try {
      return new Uint8Array(readFileSync(path))
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  },

  writeFile: (path, bytes) => writeParts(path, (sink) => sink.write(bytes)),
  writeParts,

  async openFile(path) {
    const file = await open(path).catch((error) => {
      if (isMissing(error)) return undefined
      throw error
    })
    if (file === undefined) return undefined
    return {
      name: path,
      byteLength: (await file.stat()).size,
      async read(position, target) {
        for (let done = 0; done < target.byteLength; ) {
          const { bytesRead } = await file.read(target, done, Math.min(target.byteLength - done, LARGEST_READ), position + done)
          if (bytesRead === 0) throw new DataError({ where: path, problem: 'the file became shorter while it was read' })
          done += bytesRead
        }
      },
      close: () => file.close(),
    }
  },

  async appendFile(path, bytes) {
    await mkdir(dirname(path), { recursive: true })
    const file = await open(path, 'a')
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
  },

  async listFolder(path) {
    try {
      return await readdir(path)
    } catch (error) {
      if (isMissing(error)) return []
      throw error
    }
  },

  isFolder: (path) =>
    stat(path).then(
      (found) => found.isDirectory(),
      () => false,
    ),

  async rename(from, to) {
    await rename(from, to)
    await flushFolder(dirname(to))
  },

  async remove(path) {
    try {
      await ((await platform.isFolder(path)) ? rmdir(path) : unlink(path))
    } catch (error) {
      if (!isMissing(error) && !isOccupied(error)) throw error
    }
  },

  showStatus(line) {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`)
  },

  print(text) {
    process.stdout.write(text)
  },

  printSoon(text) {
    const { stdout } = process
    // Whoever has put a `write` of their own there wants to have the text.
    if (!stdout.isTTY || Object.hasOwn(stdout, 'write')) {
      stdout.write(text)
      return undefined
    }
    // A terminal that is gone has nobody looking at it.
    written = written.then(() => writeToTerminal(new TextEncoder().encode(text))).catch(() => undefined)
    return written
  },

  terminalColumns: () => (process.stdout.isTTY ? process.stdout.columns || 80 : undefined),

  startThread,
}
