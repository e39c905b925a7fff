/** Sends the logs of each epoch to a server. Follows `keras/src/callbacks/remote_monitor.py`. */
import { refuseUnknownOptions } from '../core/known-options.js'
import { Callback, type Logs } from './callback.js'

export interface RemoteMonitorOptions {
  /** URL of the server. Default `'http://localhost:9000'`. */
  readonly root?: string
  /** Default `'/publish/epoch/end/'`. */
  readonly path?: string
  /** Name of the form's field that holds the JSON. Default `'data'`. */
  readonly field?: string
  /** Sent along with each request. */
  readonly headers?: Readonly<Record<string, string>> | null
  /** Send JSON itself instead of a form with JSON in it. Default false. */
  readonly sendAsJson?: boolean
}

/** Milliseconds after which a server that does not answer is given up. */
const PATIENCE_MS = 10_000

/**
 * Posts `{ epoch, loss, … }`. A server that is not there is told of in a warning, and training goes on.
 *
 * @example
 * new callbacks.RemoteMonitor({ root: 'http://localhost:9000', sendAsJson: true })
 */
export class RemoteMonitor extends Callback {
  readonly root: string
  readonly path: string
  readonly field: string
  readonly headers: Readonly<Record<string, string>> | null
  readonly sendAsJson: boolean

  constructor({
    root = 'http://localhost:9000',
    path = '/publish/epoch/end/',
    field = 'data',
    headers = null,
    sendAsJson = false,
    ...rest
  }: RemoteMonitorOptions = {}) {
    super()
    refuseUnknownOptions('RemoteMonitor', rest, [], ['root', 'path', 'field', 'headers', 'sendAsJson'])
    this.root = root
    this.path = path
    this.field = field
    this.headers = headers
    this.sendAsJson = sendAsJson
  }

  override async onEpochEnd(epoch: number, logs: Logs): Promise<void> {
    const json = JSON.stringify({ epoch, ...logs })
    const form = new URLSearchParams({ [this.field]: json })
    try {
      const response = await fetch(this.root + this.path, {
        method: 'POST',
        headers: { ...(this.sendAsJson && { 'Content-Type': 'application/json' }), ...this.headers },
        body: this.sendAsJson ? json : form,
        signal: AbortSignal.timeout(PATIENCE_MS),
      })
      await response.body?.cancel()
    } catch (error) {
      console.warn(`ondol: Could not reach RemoteMonitor root server at ${this.root}: ${error instanceof Error ? error.message : error}`)
    }
  }
}
