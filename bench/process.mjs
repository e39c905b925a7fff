/** One contestant as a child process that answers JSON lines; contestants/protocol.py describes the protocol. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const START_LIMIT_MS = 120_000

export class ContestantProcess {
  #child
  #answers
  #stderr = ''
  #fallbacks = new Set()

  /** Starts the process and waits for its greeting; throws with the end of its standard error if there is none. */
  static async start(name, { command, environment }, threads) {
    const contestant = new ContestantProcess()
    await contestant.#start(name, command(), environment, threads)
    return contestant
  }

  async #start(name, [program, ...rest], environment, threads) {
    this.name = name
    this.#child = spawn(program, rest, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...environment,
        OMP_NUM_THREADS: String(threads),
        MKL_NUM_THREADS: String(threads),
        ONDOL_THREADS: String(threads),
      },
    })
    this.#child.on('error', () => {})
    this.#child.stdin.on('error', () => {})
    this.#child.stderr.setEncoding('utf8').on('data', (text) => this.#read(text))
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
    this.greeting = await this.#next(START_LIMIT_MS)
  }

  /** Keeps the end of standard error, and what ondol says about primitives that ran on the host backend. */
  #read(text) {
    this.#stderr = (this.#stderr + text).slice(-2000)
    for (const [, what] of text.matchAll(/\[ondol:fallback\] (.*)/g)) this.#fallbacks.add(what)
  }

  #lastWords() {
    const lines = this.#stderr.trim().split('\n')
    return (lines.findLast((line) => /Error\b/.test(line)) ?? lines.at(-1))?.slice(0, 160) || 'died without a word'
  }

  get fallbacks() {
    return [...this.#fallbacks]
  }

  async #next(limit) {
    let timer
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, limit, 'late')
    })
    const answer = await Promise.race([this.#answers.next(), late])
    clearTimeout(timer)
    if (answer === 'late') {
      this.stop()
      throw new Error(`over ${Math.round(limit / 1000)} s`)
    }
    if (answer.done) throw new Error(this.#lastWords())
    return JSON.parse(answer.value)
  }

  /** Sends a request; throws what the contestant could not do. */
  async ask(request, limit) {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`)
    const answer = await this.#next(limit)
    if (answer.error) throw new Error(answer.error)
    return answer
  }

  stop() {
    this.#child.kill('SIGKILL')
  }
}
