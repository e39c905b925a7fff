/** The commands of `ondol`, with their help. What they do is in a file each, imported when it is asked for. */
import type { Command } from './command.js'

/** Options that every command has. */
export const COMMON = {
  import: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const satisfies Command['options']

export const COMMANDS: Readonly<Record<string, Command>> = {
  inspect: {
    usage: 'inspect FILE [--config | --json]',
    summary: 'Show what a file holds: layers, weights, how the model was compiled',
    help: `FILE is a model (.keras, .h5, model.json of TensorFlow.js) or weights alone (.weights.h5, .safetensors, .npz).
Of each weight it shows shape, dtype, smallest, largest and mean number, and how many are not finite.

  --config   print the model's configuration, as Keras writes it, and nothing else
  --json     print everything as JSON, for programs

  ondol inspect model.keras
  ondol inspect model.keras --json | jq '.weights[].path'`,
    options: { json: { type: 'boolean' }, config: { type: 'boolean' } },
    files: 1,
    run: async (...args) => (await import('./commands/inspect.js')).inspect(...args),
  },
  convert: {
    usage: 'convert IN OUT [--model MODEL] [--opset VERSION] [--external-data]',
    summary: 'Write a model, or its weights, in another format',
    help: `The names say what is meant:

  .keras                  whole model, Keras 3
  .h5                     whole model, the older format of Keras
  .weights.h5             weights alone, Keras 3
  .safetensors, .npz      weights alone
  .onnx                   what the model computes, for other runtimes (only OUT)
  model.json              TensorFlow.js, with its shards beside it (only IN)

If IN holds weights alone, --model says what they belong to; OUT then has that model, with these weights.

  --model MODEL     the model to which the weights in IN belong
  --opset VERSION   of ONNX's operators, 17 (default) to 23
  --external-data   ONNX: weights in a file of their own

  ondol convert model.h5 model.keras
  ondol convert model.keras model.onnx
  ondol convert weights.safetensors model.keras --model untrained.keras`,
    options: { model: { type: 'string' }, opset: { type: 'string' }, 'external-data': { type: 'boolean' } },
    files: 2,
    run: async (...args) => (await import('./commands/convert.js')).convert(...args),
  },
  predict: {
    usage: 'predict MODEL --input FILE [--output FILE] [--batch-size N]',
    summary: 'Compute the outputs of a model for data in a file',
    help: `The data is one array, or one for each input by its name:

  .npz     arrays by the names of the inputs (for a model with one input: one array of any name)
  .npy     one array
  .json    nested lists, or a record of them
  .csv     rows of numbers, with or without a line of titles

The outputs go to an .npz file, by their names, or a .json file; without --output they are printed as JSON.

  --input FILE       the data
  --output FILE      where the outputs go
  --batch-size N     samples at a time (default 32)

  ondol predict model.keras --input x.npz --output y.npz
  ondol predict model.keras --input row.csv`,
    options: { input: { type: 'string' }, output: { type: 'string' }, 'batch-size': { type: 'string' } },
    files: 1,
    run: async (...args) => (await import('./commands/predict.js')).predict(...args),
  },
  evaluate: {
    usage: 'evaluate MODEL --data FILE [--batch-size N] [--json]',
    summary: 'Compute the loss and metrics of a compiled model',
    help: `The model must have been saved compiled. The .npz file holds x and y, or arrays by the names of inputs and outputs.

  --data FILE        samples and what is wanted of them
  --batch-size N     samples at a time (default 32)
  --json             print the results as JSON

  ondol evaluate model.keras --data test.npz`,
    options: { data: { type: 'string' }, 'batch-size': { type: 'string' }, json: { type: 'boolean' } },
    files: 1,
    run: async (...args) => (await import('./commands/evaluate.js')).evaluate(...args),
  },
  diff: {
    usage: 'diff A B [--tolerance N] [--json]',
    summary: 'Compare two models, a model and weights, or two files of weights',
    help: `Shows where the configurations differ, and which weights, and how much: the largest difference, and the largest
relative to the number in A. Exits with 0 if nothing differs, with 1 if something does.

  --tolerance N   differences up to N, absolute, count as none (default 0)
  --json          print the differences as JSON

  ondol diff before.keras after.keras
  ondol diff model.keras converted.weights.h5 --tolerance 1e-6`,
    options: { tolerance: { type: 'string' }, json: { type: 'boolean' } },
    files: 2,
    run: async (...args) => (await import('./commands/diff.js')).diff(...args),
  },
}
