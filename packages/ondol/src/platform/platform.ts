/**
 * The little that differs between Node and a browser. `import { platform } from '#platform'` gives the
 * right one: the package's `imports` map picks the file, so a browser bundle never sees a Node built-in.
 */
import type { ByteSink, ByteSource } from '../core/bytes.js'

/** A file opened for reading; whoever opened it closes it. */
export interface OpenFile extends ByteSource {
  close(): Promise<void>
}

export interface Platform {
  readonly name: 'node' | 'browser'
  /** An environment variable; always undefined in a browser. */
  environment(name: string): string | undefined
  /** The user's cache folder for ondol, or undefined where there are no files. */
  cacheFolder(): string | undefined
  /** The whole file, or undefined if there is none at `path`. */
  readFile(path: string): Promise<Uint8Array | undefined>
  /** As `readFile`, at once: for small files that a constructor needs. Always undefined in a browser. */
  readFileNow(path: string): Uint8Array | undefined
  /** Writes all or nothing: a temporary file beside `path`, flushed, then renamed; folders are made. */
  writeFile(path: string, bytes: Uint8Array): Promise<void>
  /** Opens a file of any size to read ranges of it; undefined if there is none at `path`. */
  openFile(path: string): Promise<OpenFile | undefined>
  /** As `writeFile`, from parts: the file appears, whole, once `write` has handed over everything; if it fails, nothing changes. */
  writeParts(path: string, write: (sink: ByteSink) => Promise<void>): Promise<void>
  /** Adds to the end of a file, flushed to the disk; the file and its folder are made where they are not there. */
  appendFile(path: string, bytes: Uint8Array): Promise<void>
  /** Names of what is in a folder; none where there is no such folder. */
  listFolder(path: string): Promise<readonly string[]>
  /** Whether there is a folder at `path`. */
  isFolder(path: string): Promise<boolean>
  /** Gives a file another name, flushed to the disk; one that had it before is replaced. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file, or a folder that is empty; nothing happens where there is none, or a folder with something in it. */
  remove(path: string): Promise<void>
  /** Shows a passing line on the terminal, replacing the last one; an empty one clears it. Silent where nobody looks. */
  showStatus(line: string): void
  /** Prints on standard output as it is; where there is only a console, in whole lines. */
  print(text: string): void
  /**
   * As `print`, but a terminal that takes its time (it is stopped, or far away) holds nobody up: the promise resolves
   * when the text is there. Undefined where it is there at once.
   */
  printSoon(text: string): Promise<void> | undefined
  /** Width of the terminal that `print` reaches; undefined where nobody can rewrite a line (a file, a pipe, a console). */
  terminalColumns(): number | undefined
  /** Starts a thread. */
  readonly startThread: StartThread
}

/** A thread that answers each message with one. */
export interface Thread {
  /** Sends a message; the buffers of `transfer` move over without a copy. */
  post(message: unknown, transfer: readonly ArrayBuffer[]): void
  stop(): void
}

/**
 * Runs `program`, the text of a script that finds `listen(answer)` and `post(message, transfer)`, and may import
 * modules. `onFailure` hears when it dies.
 */
export type StartThread = (program: string, onMessage: (message: unknown) => void, onFailure: (error: unknown) => void) => Thread
