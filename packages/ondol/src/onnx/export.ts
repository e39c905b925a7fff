/**
 * Models as ONNX files, for other runtimes. What a model computes at inference is traced and its primitives become
 * ONNX operators, so every layer can be exported, those of your own too; some layers are recognised as one operator.
 */

import type { TypedArray } from '../core/dtype.js'
import { SavingError, ValueError } from '../core/errors.js'
import type { PartialShape } from '../core/shape.js'
import { flatten, type Tree } from '../core/tree.js'
import { countUses } from '../engine/graph.js'
import { type Tensor, Variable } from '../engine/index.js'
import type { Layer } from '../layers/index.js'
import { floatx } from '../ops/config.js'
import { KerasTensor } from '../ops/operation.js'
import { type WriteOptions, writeFile } from '../saving/location.js'
import { GraphBuilder, type Named } from './builder.js'
import { lowerGraph } from './lower.js'
import { Lowering } from './lowering.js'
import { encodeModel, type OnnxModel, type OnnxTensor, type OnnxValue } from './model-proto.js'
import { makeRecogniser } from './regions.js'
import { isKnown, keyOf, type Size, Twins } from './sizes.js'
import { layersIn, type TracedModel, traceModel } from './trace-model.js'

export interface OnnxOptions extends WriteOptions {
  /** The version of ONNX's operators, 17 to 23. Default 17. */
  readonly opsetVersion?: number
  /** What a model with its own `call` is called on, as `Input(...)` gives it. Default: the model's inputs, or floats of the shapes that it was built for. */
  readonly inputSignature?: Tree<KerasTensor>
  /** Weights go into a file of their own beside the model, `….data`. Default: when they have more than 1.8 GB. */
  readonly externalData?: boolean
}

/** A model that can be exported; what has no graph needs an `inputSignature`. */
interface Exportable extends Layer {
  readonly inputNames: readonly string[] | undefined
  readonly outputNames: readonly string[] | undefined
  readonly graph: unknown
}

const OPSETS = { least: 17, greatest: 23 }
/** A protocol buffer holds no more than 2 GiB. */
const LARGEST_INSIDE = 1.8e9
/** Tensors below stay in the model even if the others have a file of their own. */
const SMALLEST_OUTSIDE = 1024
const ALIGNMENT = 4096

/**
 * Exports a model: to a file, all or nothing, or as bytes.
 *
 * @throws SavingError that names what ONNX cannot express.
 */
export async function exportOnnx(model: Layer, path: string | URL | undefined, options: OnnxOptions = {}): Promise<Uint8Array | undefined> {
  const onnx = await toOnnx(model as Exportable, options)
  const size = onnx.graph.initializers.reduce((sum, { bytes }) => sum + bytes.byteLength, 0)
  const isOutside = options.externalData ?? size > LARGEST_INSIDE
  if (path === undefined) {
    if (isOutside)
      throw new SavingError({ where: model.name, problem: 'weights in a file of their own need a path', received: `${size} bytes` })
    return joined(encodeModel(onnx).chunks)
  }
  const outside: { readonly bytes: Uint8Array; readonly offset: number }[] = []
  let end = 0
  const place = ({ bytes }: OnnxTensor): number | undefined => {
    if (bytes.byteLength < SMALLEST_OUTSIDE) return undefined
    const offset = Math.ceil(end / ALIGNMENT) * ALIGNMENT
    outside.push({ bytes, offset })
    end = offset + bytes.byteLength
    return offset
  }
  const location = `${String(path).replace(/^.*[/\\]/, '')}.data`
  const { chunks } = encodeModel(onnx, isOutside ? { location, place } : undefined)
  // The weights first: a model that is there finds them.
  if (isOutside) {
    await writeFile(`${path}.data`, options, async (sink) => {
      let at = 0
      for (const { bytes, offset } of outside) {
        if (offset > at) await sink.write(new Uint8Array(offset - at))
        await sink.write(bytes)
        at = offset + bytes.byteLength
      }
    })
  }
  await writeFile(path, options, async (sink) => {
    for (const part of together(chunks)) await sink.write(part)
  })
  return undefined
}

async function toOnnx(model: Exportable, { opsetVersion = OPSETS.least, inputSignature }: OnnxOptions): Promise<OnnxModel> {
  if (!Number.isInteger(opsetVersion) || opsetVersion < OPSETS.least || opsetVersion > OPSETS.greatest) {
    throw new ValueError({
      where: 'export',
      problem: 'opsetVersion is not supported',
      expected: `${OPSETS.least} to ${OPSETS.greatest}`,
      received: String(opsetVersion),
    })
  }
  const signature = inputSignature ?? (model.graph === undefined ? builtSignature(model) : undefined)
  const inputTree = signature ?? model.input
  const symbols = flatten(inputTree)
  const traced = traceModel(model, inputTree)
  const data = await readData(traced)
  const builder = new GraphBuilder(opsetVersion)
  const names = inputNames(model, symbols, signature !== undefined)
  const unknown = new Map<string, string>()
  const twins = new Twins()
  twins.pairGraphs(traced.graph, traced.twin)
  const weights = new Map<Variable, Named>()
  const weight = (variable: Variable): Named => {
    let stored = weights.get(variable)
    if (stored === undefined) {
      const storage = data.get(variable) as TypedArray
      weights.set(variable, (stored = builder.store(withoutModel(model, variable.path), variable.dtype, variable.shape, storage)))
    }
    return stored
  }
  const lowering = new Lowering(
    builder,
    twins,
    weight,
    countUses(traced.graph),
    lowerGraph({
      regions: traced.regions,
      recognise: makeRecogniser(opsetVersion),
      scopeOf: scopesOf(model),
    }),
  )
  const inputs = traced.inputs.map((value, i): OnnxValue => {
    const tensor = builder.declare({ name: builder.claim(names[i] as string), dtype: value.dtype, shape: lowering.shapeOf(value) })
    lowering.setPlain(value, tensor)
    tensor.shape.forEach((size, axis) => {
      if (!isKnown(size) && !unknown.has(keyOf(size))) unknown.set(keyOf(size), axis === 0 ? 'batch' : `${tensor.name}_${axis}`)
    })
    return describe(tensor, unknown)
  })
  for (const [value, variable] of traced.variables) lowering.setPlain(value, weight(variable))
  for (const [value, tensor] of traced.constants)
    lowering.setPlain(value, builder.store('constant', tensor.dtype, tensor.shape, data.get(tensor) as TypedArray))
  const wanted = traced.graph.outputs.map((_, i) => builder.claim(model.outputNames?.[i] ?? `output_${i}`))
  lowering.run(traced.graph, traced.twin)
  const outputs = traced.graph.outputs.map((value, i) => {
    const tensor = lowering.whole(value)
    return describe({ ...tensor, name: builder.name(tensor, wanted[i] as string) }, unknown)
  })
  const graph = builder.finish(model.name, inputs, outputs)
  return { graph, opset: opsetVersion, metadata: { model: model.name, class: model.className } }
}

/** What a model with its own `call` was built for; the size of the batch was chance. */
function builtSignature(model: Exportable): Tree<KerasTensor> {
  const shapes = model.getBuildConfig()?.input_shape
  const isShape = (value: unknown): value is PartialShape =>
    Array.isArray(value) && value.length > 0 && value.every((size) => size === null || typeof size === 'number')
  let count = 0
  const symbolOf = (shape: unknown): Tree<KerasTensor> => {
    if (isShape(shape))
      return new KerasTensor([null, ...shape.slice(1)], { dtype: floatx(), name: `input${count++ === 0 ? '' : `_${count - 1}`}` })
    if (Array.isArray(shape) && shape.length > 0) return shape.map(symbolOf)
    if (typeof shape === 'object' && shape !== null && !Array.isArray(shape))
      return Object.fromEntries(Object.entries(shape).map(([key, inner]) => [key, symbolOf(inner)]))
    throw new SavingError({
      where: model.name,
      problem: 'it is not known what the model is called on: it has its own call, and was not called or built yet',
      hint: 'call it once, or build(shape) it, or say it: export(path, { inputSignature: Input({ shape: [28, 28, 1] }) })',
    })
  }
  return symbolOf(shapes)
}

/** Names of people's own where there are any; those of the layers otherwise. */
function inputNames(model: Exportable, symbols: readonly KerasTensor[], isSigned: boolean): readonly string[] {
  const names = isSigned ? undefined : model.inputNames
  return symbols.map(({ name }, i) => names?.[i] ?? name)
}

const withoutModel = (model: Layer, path: string): string => {
  if (path === model.name) return ''
  return path.startsWith(`${model.name}/`) ? path.slice(model.name.length + 1) : path
}

/** The path of layers, without the operations that they are made of. */
function scopesOf(model: Layer): (path: string) => string {
  const names = new Set([...layersIn(model)].map(({ name }) => name))
  return (path) => {
    const places = withoutModel(model, path).split('/')
    const ofLayers = places.filter((place) => names.has(place))
    return (ofLayers.length > 0 ? ofLayers : places.slice(0, 1)).join('/')
  }
}

const describe = ({ name, dtype, shape }: Named, unknown: Map<string, string>): OnnxValue => {
  const nameOf = (size: Size, axis: number): string => {
    const known = unknown.get(keyOf(size)) ?? `${name}_${axis}`
    unknown.set(keyOf(size), known)
    return known
  }
  return { name, dtype, shape: shape.map((size, axis) => (isKnown(size) ? size[0] : nameOf(size, axis))) }
}

/** The elements of everything that the model computes with, as they are stored. */
async function readData({ variables, constants }: TracedModel): Promise<Map<Variable | Tensor, TypedArray>> {
  const sources = new Set<Variable | Tensor>([...variables.values(), ...constants.values()])
  const data = new Map<Variable | Tensor, TypedArray>()
  for (const source of sources) {
    const tensor = source instanceof Variable ? source.uncastValue : source
    data.set(source, await tensor.buffer('export').read(tensor.dtype, tensor.size))
  }
  return data
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.byteLength
  }
  return bytes
}

/** Small chunks joined, so that a file is written in few large pieces; weights go as they are. */
function* together(chunks: readonly Uint8Array[]): Generator<Uint8Array> {
  let small: Uint8Array[] = []
  for (const chunk of chunks) {
    if (chunk.byteLength < ALIGNMENT) {
      small.push(chunk)
      continue
    }
    yield joined(small)
    small = []
    yield chunk
  }
  yield joined(small)
}
