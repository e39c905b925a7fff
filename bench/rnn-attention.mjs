// Training steps of recurrent and attention layers against PyTorch, in one run: node bench/rnn-attention.mjs [rounds] [names]
//
// A step is forward, loss (mean square of the last output), gradients of the weights, and SGD. Both take turns; a ratio
// below 1 means that ondol is faster. ONDOL_PYTHON names a Python with torch (default .venv/bin/python).
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { median } from './contestants/protocol.mjs'

const [rounds = '9', only = ''] = process.argv.slice(2)
process.env.ONDOL_BACKEND ??= 'native'
const ondol = await import(process.env.ONDOL_DIST ?? '../packages/ondol/dist/index.js')
const { GradientTape, jit, layers, ops, tensor } = ondol

const CASES = {
  'lstm 128×100×64→32': { kind: 'lstm', shape: [128, 100, 64], units: 32 },
  'lstm 32×200×128→256': { kind: 'lstm', shape: [32, 200, 128], units: 256 },
  'gru 128×100×64→32': { kind: 'gru', shape: [128, 100, 64], units: 32 },
  'gru 32×200×128→256': { kind: 'gru', shape: [32, 200, 128], units: 256 },
  'attention 16×256×512, 8 heads': { kind: 'attention', shape: [16, 256, 512], units: 8 },
}

const noise = (shape) =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => Math.random() - 0.5),
    shape,
  )

function stepOf({ kind, shape, units }) {
  const x = noise(shape)
  const layer = kind === 'attention' ? layers.multiHeadAttention(units, shape[2] / units) : layers[kind](units)
  const call = () => (kind === 'attention' ? layer(x, x) : layer(x))
  call()
  const step = jit(() => {
    const tape = new GradientTape()
    const loss = ops.mean(ops.square(call()))
    const { trainableVariables } = layer
    tape.gradient(loss, trainableVariables).forEach((gradient, i) => {
      trainableVariables[i].assignSub(ops.multiply(gradient, 0.01))
    })
    tape[Symbol.dispose]()
    return loss
  })
  return async (count) => {
    const begin = performance.now()
    let loss
    for (let i = 0; i < count; i++) {
      loss?.dispose()
      loss = step()
    }
    await loss.data()
    loss.dispose()
    return (performance.now() - begin) / count
  }
}

const python = process.env.ONDOL_PYTHON ?? fileURLToPath(new URL('../.venv/bin/python', import.meta.url))
const peer = spawn(python, [fileURLToPath(new URL('contestants/rnn_attention_peer.py', import.meta.url))], {
  stdio: ['pipe', 'pipe', 'inherit'],
})
const answers = createInterface({ input: peer.stdout })[Symbol.asyncIterator]()
async function ask(request) {
  peer.stdin.write(`${JSON.stringify(request)}\n`)
  const { value, done } = await answers.next()
  if (done) throw new Error('the peer ended')
  return JSON.parse(value)
}

for (const [name, spec] of Object.entries(CASES)) {
  if (!name.includes(only)) continue
  const run = stepOf(spec)
  await run(3)
  const once = await run(3)
  const count = Math.max(2, Math.round(150 / once))
  await ask({ ...spec, count })
  const own = []
  const other = []
  for (let round = 0; round < Number(rounds); round++) {
    own.push(await run(count))
    other.push((await ask({ ...spec, count })).ms)
  }
  const [a, b] = [median(own), median(other)]
  console.log(`${name.padEnd(32)} ondol ${a.toFixed(2)} ms  torch ${b.toFixed(2)} ms  ratio ${(a / b).toFixed(2)}`)
}
peer.stdin.end()
process.exit(0)
