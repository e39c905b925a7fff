/** The platform under Node.js (also Bun and Deno): files, environment, terminal. */
import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Platform } from './platform.js'

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')

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

  async writeFile(path, bytes) {
    await mkdir(dirname(path), { recursive: true })
    const temporary = `${path}.${randomUUID()}.part`
    try {
      const file = await open(temporary, 'wx')
      try {
        await file.writeFile(bytes)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(temporary, path)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
  },

  showStatus(line) {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`)
  },

  print(text) {
    process.stdout.write(text)
  },

  terminalColumns: () => (process.stdout.isTTY ? (process.stdout.columns ?? 80) : undefined),
}
