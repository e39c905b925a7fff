/**
 * `jit`: a function traced once for each signature of its arguments, optimised as a whole and run as
 * one program. Variables that it reads are inputs; those that it assigns are updated in place.
 */
import { TracingError } from '../core/errors.js'
import { mapTree, structureKey, type Tree } from '../core/tree.js'
import { type Backend, currentBackend, type Memory, type Program } from './backend.js'
import { moveTo, requireDTypes } from './bind.js'
import { Buffer } from './buffer.js'
import { debugLog } from './debug.js'
import { type Abstract, type Graph, printGraph, type Value } from './graph.js'
import { foldScales } from './passes/fold-scales.js'
import { optimize } from './passes/optimize.js'
import { type Prepared, prepare } from './passes/prepare.js'
import { Preparation } from './preparation.js'
import { isStateless } from './stateless-scope.js'
import { activeTapes } from './tape.js'
import { Tensor } from './tensor.js'
import { currentTrace, reorderInputs, Trace, withTrace } from './trace.js'
import { type Variable, variableCount } from './variable.js'

/** Where an input of the compiled program comes from. */
type InputSource =
  | { readonly kind: 'argument'; readonly index: number }
  | { readonly kind: 'captured'; readonly tensor: Tensor }
  | { readonly kind: 'variable'; readonly variable: Variable; readonly isAssigned: boolean }

interface Compiled {
  readonly program: Program
  /** Of the Variables that are only read. */
  readonly preparation: Preparation
  readonly sources: readonly InputSource[]
  readonly results: readonly Abstract[]
  /** Variables whose new value is the program's outputs after the results, in order. */
  readonly assigned: readonly Variable[]
  /** The returned structure, tensors replaced by their place among the results. */
  readonly structure: unknown
}

class ResultPlace {
  constructor(readonly index: number) {}
}

export interface JitOptions {
  /** Shown in debug output and messages. Default: the function's name. */
  readonly name?: string
  /**
   * Record a function that made Variables once more, to see that it does not do so each time. Default true; false for
   * one that is known to keep them.
   */
  readonly verifiesState?: boolean
}

/** A function compiled by `jit`. */
export interface Jitted<A extends readonly unknown[], R> {
  (...args: A): R
  /** The call with these arguments, to be repeated: what it takes to find the compiled program is done once. */
  prepare(...args: A): () => R
  /** The optimised graph for these arguments, as text. */
  inspect(...args: A): string
  /** Frees every compiled program. */
  dispose(): void
}

/**
 * Compiles `body`. Tensors may come nested in arrays and records; other arguments are constants of the
 * compiled function, which is made anew when they change. Must be pure but for Variables.
 *
 * @example
 * const step = jit((x: Tensor, y: Tensor) => { … })
 * const loss = step(x, y) // traced and compiled
 * const next = step(x2, y2) // same shapes: runs at once
 */
export function jit<A extends readonly unknown[], R>(
  body: (...args: A) => R,
  { name = body.name || 'function', verifiesState = true }: JitOptions = {},
): Jitted<A, R> {
  const cache = new Map<string, Compiled>()

  const trace = (args: A): Traced => (verifiesState ? traceVerified : traceFunction)(name, body, args)

  const compiledFor = (args: A): Compiled => {
    const backend = currentBackend()
    const key = `${backend.name}#${backendId(backend)}${signature(args)}`
    let compiled = cache.get(key)
    if (compiled === undefined) {
      compiled = compile(name, backend, trace(args))
      cache.set(key, compiled)
    }
    return compiled
  }

  // Inside another trace, under a tape that wants to see every operation, or where Variables have given values, the
  // body is inlined.
  const isInlined = (): boolean => currentTrace() !== undefined || activeTapes().length > 0 || isStateless()
  const jitted = (...args: A): R => (isInlined() ? body(...args) : (run(compiledFor(args), tensorLeaves(args)) as R))
  const prepare = (...args: A): (() => R) => {
    const leaves = tensorLeaves(args)
    let backend: Backend | undefined
    let compiled: Compiled | undefined
    return () => {
      if (isInlined()) return body(...args)
      if (compiled === undefined || backend !== currentBackend()) {
        backend = currentBackend()
        compiled = compiledFor(args)
      }
      return run(compiled, leaves) as R
    }
  }
  return Object.assign(jitted, {
    prepare,
    inspect: (...args: A): string => printPrepared(preparedOf(trace(args))),
    dispose: (): void => {
      for (const { program, preparation } of cache.values()) {
        program.dispose()
        preparation.dispose()
      }
      cache.clear()
    },
  })
}

let nextBackendId = 0
const backendIds = new WeakMap<Backend, number>()
function backendId(backend: Backend): number {
  let id = backendIds.get(backend)
  if (id === undefined) backendIds.set(backend, (id = nextBackendId++))
  return id
}

const objectIds = new WeakMap<object, number>()
let nextObjectId = 0

function signature(args: readonly unknown[]): string {
  let key = structureKey(args)
  visitLeaves(args, (leaf) => {
    if (leaf instanceof Tensor) key += `|${leaf.dtype}:${leaf.shape}`
    else if ((typeof leaf === 'object' && leaf !== null) || typeof leaf === 'function') {
      let id = objectIds.get(leaf)
      if (id === undefined) objectIds.set(leaf, (id = nextObjectId++))
      key += `|@${id}`
    } else key += `|${typeof leaf}:${String(leaf)}`
  })
  return key
}

function visitLeaves(tree: unknown, visit: (leaf: unknown) => void): void {
  mapTree(tree as Tree<unknown>, visit)
}

function tensorLeaves(args: readonly unknown[]): Tensor[] {
  const leaves: Tensor[] = []
  visitLeaves(args, (leaf) => {
    if (leaf instanceof Tensor) leaves.push(leaf)
  })
  return leaves
}

interface Traced {
  readonly graph: Graph
  readonly sources: readonly InputSource[]
  readonly results: readonly Abstract[]
  readonly assigned: readonly Variable[]
  readonly structure: unknown
}

/**
 * Records the function. State that it makes when first called, as layers that build themselves do, is there when it
 * is recorded once more; a function that makes Variables each time would compute something else than it says.
 */
function traceVerified<A extends readonly unknown[]>(name: string, body: (...args: A) => unknown, args: A): Traced {
  const before = variableCount()
  const traced = traceFunction(name, body, args)
  const afterFirst = variableCount()
  if (afterFirst === before) return traced
  const again = traceFunction(name, body, args)
  if (variableCount() === afterFirst) return again
  throw new TracingError({
    where: name,
    problem: 'the compiled function makes new Variables each time it runs',
    hint: 'make Variables, layers, metrics and optimizers outside, or keep those of the first call: layer ??= new layers.Dense(8)',
  })
}

/** Records the function with abstract tensors in the place of its arguments. */
function traceFunction<A extends readonly unknown[]>(name: string, body: (...args: A) => unknown, args: A): Traced {
  const trace = new Trace(undefined, true)
  const sourceOf = new Map<Value, InputSource>()
  let next = 0
  const abstractArgs = mapTree(args as Tree<unknown>, (leaf) => {
    if (!(leaf instanceof Tensor)) return leaf
    const input = trace.input({ shape: leaf.shape, dtype: leaf.dtype })
    sourceOf.set(trace.valueOf(input), { kind: 'argument', index: next++ })
    return input
  }) as unknown as A
  const outputs: Tensor[] = []
  let structure: unknown
  withTrace(trace, () => {
    const returned = body(...abstractArgs)
    if (returned instanceof Promise) {
      throw new TracingError({
        where: name,
        problem: 'an asynchronous function cannot be traced',
        hint: 'await outside, and pass the values in as arguments',
      })
    }
    structure = mapTree(returned as Tree<unknown>, (leaf) => {
      if (!(leaf instanceof Tensor)) return leaf
      outputs.push(leaf)
      return new ResultPlace(outputs.length - 1)
    })
  })
  const assigned: Variable[] = []
  const finals: Tensor[] = []
  for (const [state, { initial, current }] of trace.state) {
    if (initial === current) continue
    assigned.push(state as Variable)
    finals.push(current)
  }
  // Concrete tensors may be returned or assigned as they are: capture them now.
  for (const tensor of [...outputs, ...finals]) trace.valueOf(tensor)
  for (const [state, { initial }] of trace.state) {
    sourceOf.set(trace.valueOf(initial), {
      kind: 'variable',
      variable: state as Variable,
      isAssigned: assigned.includes(state as Variable),
    })
  }
  for (const { tensor, value } of trace.captured) sourceOf.set(value, { kind: 'captured', tensor })
  const draft = trace.finish([...outputs, ...finals])
  const sources = draft.inputs.map((value) => sourceOf.get(value) as InputSource)
  const donations = assigned.map((variable, i) => {
    const input = sources.findIndex((source) => source.kind === 'variable' && source.variable === variable)
    return [input, outputs.length + i] as const
  })
  const graph = { ...reorderInputs(draft, draft.inputs), donations }
  return { graph, sources, results: outputs.map(({ shape, dtype }) => ({ shape, dtype })), assigned, structure }
}

function compile(name: string, backend: Backend, traced: Traced): Compiled {
  debugLog('trace', () => `${name}\n${printGraph(traced.graph)}`)
  const { preparation, graph } = preparedOf(traced)
  debugLog('graph', () => `${name}\n${printPrepared({ preparation, graph })}`)
  requireDTypes(backend, name, graph.inputs)
  const kept = preparation?.outputs.map(({ shape, dtype }) => ({ shape, dtype })) ?? []
  const { sources, results, assigned, structure } = traced
  return {
    preparation: new Preparation(preparation && backend.compile(preparation), kept),
    program: backend.compile(graph),
    sources,
    results,
    assigned,
    structure,
  }
}

/** Optimised, and without what Variables alone decide that it only reads. */
function preparedOf({ graph, sources }: Traced): Prepared {
  const lasting = sources.flatMap((source, index) => (isLasting(source) ? [index] : []))
  return prepare(foldScales(optimize(graph), lasting), lasting)
}

const printPrepared = ({ preparation, graph }: Prepared): string =>
  [...(preparation === null ? [] : [preparation]), graph].map((part) => printGraph(part)).join('\n')

const isLasting = (source: InputSource): boolean => source.kind === 'variable' && !source.isAssigned

function run({ program, preparation, sources, results, assigned, structure }: Compiled, leaves: readonly Tensor[]): unknown {
  const backend = currentBackend()
  const lasting: Buffer[] = []
  const inputs: Memory[] = sources.map((source) => {
    switch (source.kind) {
      case 'argument':
        return onBackend(backend, leaves[source.index] as Tensor)
      case 'captured':
        return onBackend(backend, source.tensor)
      case 'variable': {
        if (source.isAssigned) return source.variable.bufferToUpdate(backend).memory
        const buffer = source.variable.bufferToRead(backend)
        lasting.push(buffer)
        return buffer.memory
      }
      default:
        return source satisfies never
    }
  })
  const buffers = results.map((result) => Buffer.allocate(result))
  const updated = assigned.map((variable) => variable.bufferToUpdate(backend).memory)
  try {
    const renewed = preparation.prepare(lasting, inputs)
    program.run(inputs, [...buffers.map((buffer) => buffer.memory), ...updated], renewed)
  } catch (error) {
    for (const buffer of buffers) buffer.release()
    preparation.forget()
    throw error
  }
  return mapTree(structure as Tree<unknown>, (leaf) =>
    leaf instanceof ResultPlace ? new Tensor(results[leaf.index] as Abstract, { buffer: buffers[leaf.index] as Buffer }) : leaf,
  )
}

function onBackend(backend: Backend, tensor: Tensor): Memory {
  const buffer = tensor.buffer('jit')
  return buffer.backend === backend ? buffer.memory : moveTo(backend, tensor).memory
}
