/** The house rules as tables: which room may use which, and the exceptions that have a reason. */

/**
 * Floors of `packages/ondol/src`, from the ground up. A room may use the rooms on its own floor and below;
 * files of one floor may not form a cycle. Who adds a room adds it here.
 */
export const FLOORS: readonly (readonly string[])[] = [
  ['core'],
  ['platform', 'tree'],
  ['engine'],
  ['ops', 'random'],
  ['activations', 'initializers', 'regularizers', 'constraints', 'layers', 'losses', 'metrics', 'optimizers'],
  ['saving'],
  ['onnx'],
  ['callbacks'],
  ['data', 'models', 'training'],
  ['datasets', 'applications', 'utils'],
  ['cli'],
]

/** Stands beside the floors: uses only these rooms, and is used through one door by one file. */
export const BACKENDS = { room: 'backends', uses: ['core', 'platform', 'engine'], door: 'backends/load.ts', user: 'index.ts' } as const

/** Rooms that nobody imports: they use the package through its index, as anybody does. */
export const PROGRAMS: readonly string[] = ['cli']

/** Files that may import Node's built-in modules or use `process`, and why. A trailing `/` means a whole folder. */
export const NODE_FILES: Readonly<Record<string, string>> = {
  'platform/node.ts': 'it is the Node side of #platform',
  'platform/threads-node.ts': 'it is the Node side of #platform: threads',
  'backends/wasm/runtime/threads-node.ts': 'it is the Node side of #wasm-threads: worker threads',
  'cli/': 'it is a program, which the package does not import',
  'backends/native/': 'reached through #native-backend only, which browsers have not',
}

/** Module specifiers that are neither relative nor Node's. */
export const OTHER_MODULES: readonly string[] = ['#platform', '#wasm-threads', '#native-backend']

/** Lines beyond which a file should be looked at: one idea rarely needs more. */
export const LONG_FILE = 450
