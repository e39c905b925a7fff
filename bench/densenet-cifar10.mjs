// The example densenet-cifar10 beside the same training in PyTorch, seed by seed, in turns:
//
//   node bench/densenet-cifar10.mjs FOLDER [train 10000] [test 2000] [epochs 2] [seeds 3]
//
// FOLDER holds CIFAR-10's binary files. Prints the course of the loss (means of tenths), the test accuracy after each epoch and
// the seconds of each run. ONDOL_PYTHON names a Python with torch (default .venv/bin/python).
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const [folder, train = '10000', test = '2000', epochs = '2', seeds = '3'] = process.argv.slice(2)
if (folder === undefined) throw new Error('name the folder with data_batch_1.bin … and test_batch.bin')
const path = (name) => fileURLToPath(new URL(name, import.meta.url))
const python = process.env.ONDOL_PYTHON ?? path('../.venv/bin/python')

const RUNS = {
  ondol: (seed) => [
    process.execPath,
    [path('../build/examples/densenet-cifar10.js'), '--data', folder, '--train', train, '--test', test, '--epochs', epochs, '--seed', seed],
  ],
  torch: (seed) => [python, [path('contestants/densenet_cifar10_peer.py'), folder, train, test, epochs, seed]],
}

/** Runs a program to its end; what its line `result` says. */
async function resultOf(program, args) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ONDOL_BACKEND: 'native', ...process.env } })
  let result
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('result ')) result = JSON.parse(line.slice('result '.length))
    else if (line.startsWith('step ') || /epoch \d/.test(line)) process.stderr.write(`${line}\n`)
  }
  if (result === undefined) throw new Error(`${program} ${args.join(' ')} gave no result`)
  return result
}

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length
const tenths = (losses) =>
  Array.from({ length: 10 }, (_, i) => mean(losses.slice((i * losses.length) / 10, ((i + 1) * losses.length) / 10)))
const last = { ondol: [], torch: [] }
console.log(`${train} pictures, ${epochs} epochs of batches of 64, tested on ${test}\n`)
for (let seed = 1; seed <= Number(seeds); seed++)
  for (const [name, command] of Object.entries(RUNS)) {
    const { losses, accuracies, seconds } = await resultOf(...command(String(seed)))
    last[name].push(accuracies.at(-1))
    const [course, tested] = [tenths(losses).map((loss) => loss.toFixed(2)), accuracies.map((accuracy) => accuracy.toFixed(4))]
    console.log(`${name} seed ${seed}: loss ${course.join(' ')}; test accuracy ${tested.join(' ')}; ${seconds.toFixed(0)} s`)
  }
for (const [name, accuracies] of Object.entries(last)) console.log(`${name}: mean test accuracy ${mean(accuracies).toFixed(4)}`)
