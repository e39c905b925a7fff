/** The platform in a browser or another place without files: nothing is read, kept or printed. */
import { DataError } from '../core/errors.js'
import type { Platform } from './platform.js'
import { startThread } from './threads-browser.js'

/** What was printed since the last line break. */
let unfinishedLine = ''

async function refuseToWrite(path: string): Promise<never> {
  throw new DataError({ where: path, problem: 'a browser has no files to write', hint: 'keep the bytes, or offer them as a download' })
}

export const platform: Platform = {
  name: 'browser',
  environment: () => undefined,
  cacheFolder: () => undefined,
  readFile: async () => undefined,
  readFileNow: () => undefined,
  openFile: async () => undefined,
  writeFile: refuseToWrite,
  writeParts: refuseToWrite,
  appendFile: refuseToWrite,
  rename: refuseToWrite,
  listFolder: async () => [],
  isFolder: async () => false,
  remove: async () => undefined,
  showStatus: () => undefined,
  print(text) {
    const lines = (unfinishedLine + text).split('\n')
    unfinishedLine = lines.pop() as string
    // biome-ignore lint/suspicious/noConsole: the console is a browser's standard output
    for (const line of lines) console.info(line)
  },
  printSoon: (text) => void platform.print(text) as undefined,
  terminalColumns: () => undefined,
  startThread,
}
