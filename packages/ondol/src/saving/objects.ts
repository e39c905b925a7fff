/**
 * Any object to and from the JSON that Keras's files describe it with: layers, models, losses, metrics, optimizers,
 * schedules, initializers, regularizers, constraints, dtype policies, functions, tensors.
 * Follows `keras/src/saving/serialization_lib.py`; names resolve in registries, and nothing a file says is run.
 */
import * as activations from '../activations/index.js'
import * as constraints from '../constraints/index.js'
import { type CustomObjects, customNames, customObjectScope } from '../core/custom-objects.js'
import { SavingError } from '../core/errors.js'
import { nearest } from '../core/registry.js'
import { customFor, describeFunction, isClassOf, isFunctionDescription, makeFromConfig } from '../core/serialized.js'
import { isSerializedObject, type SerializedObject, toSnakeCase } from '../core/spelling.js'
import * as initializers from '../initializers/index.js'
import { DTypePolicy, getDtypePolicy } from '../layers/dtype-policy.js'
import { Layer } from '../layers/layer.js'
import * as layers from '../layers/serialization.js'
import * as losses from '../losses/index.js'
import * as metrics from '../metrics/index.js'
import { KerasTensor } from '../ops/operation.js'
import { SeedGenerator } from '../ops/random.js'
import * as optimizers from '../optimizers/index.js'
import * as schedules from '../optimizers/schedules.js'
import * as regularizers from '../regularizers/index.js'
import { describeArray, isConstant, requireDType, reviveConstant } from './constants.js'

/** Deeper than any config. */
const DEEPEST = 400

/** A kind of objects, and how it is written and read. */
interface Family<T> {
  /** Keras's module, as it stands in files. */
  readonly module: string
  readonly Base: abstract new (...args: never[]) => T
  serialize(object: T): unknown
  deserialize(description: SerializedObject): unknown
}

const family = <T>(definition: Family<T>): Family<unknown> => definition as Family<unknown>

const FAMILIES: readonly Family<unknown>[] = [
  family({ module: 'keras.layers', Base: Layer, serialize: layers.serialize, deserialize: layers.deserialize }),
  family({ module: 'keras.optimizers', Base: optimizers.Optimizer, ...optimizers }),
  family({ module: 'keras.optimizers.schedules', Base: schedules.LearningRateSchedule, ...schedules }),
  family({ module: 'keras.losses', Base: losses.Loss, ...losses }),
  family({ module: 'keras.metrics', Base: metrics.Metric, ...metrics }),
  family({ module: 'keras.initializers', Base: initializers.Initializer, ...initializers }),
  family({ module: 'keras.regularizers', Base: regularizers.Regularizer, ...regularizers }),
  family({ module: 'keras.constraints', Base: constraints.Constraint, ...constraints }),
  family({ module: 'keras.dtype_policies', Base: DTypePolicy, serialize: (policy) => policy.serialize(), deserialize: getDtypePolicy }),
  family({
    module: 'keras.random',
    Base: SeedGenerator,
    serialize: (generator) => ({
      module: 'keras.random',
      class_name: 'SeedGenerator',
      config: generator.getConfig(),
      registered_name: null,
    }),
    deserialize: ({ config }) => new SeedGenerator(config.seed as number, { name: config.name as string }),
  }),
]

/** Modules that files name besides the families' own. */
const familyOf = (module: string, className: string): Family<unknown> | undefined => {
  if (className === 'DTypePolicy') return FAMILIES.find(({ module: known }) => known === 'keras.dtype_policies')
  if (/^keras(\.models|\.src\.models\.\w+|\.src\.engine\.\w+)?$/.test(module)) return FAMILIES[0]
  return FAMILIES.find(({ module: known }) => known === module)
}

/** Functions that files name without a module: `mean_squared_error`, `relu`. */
const FUNCTIONS: ReadonlyMap<string, unknown> = new Map(
  [metrics, losses, activations].flatMap((namespace) =>
    Object.entries<unknown>(namespace).flatMap(([name, value]) =>
      typeof value === 'function' && /^[a-z]/.test(name) && !['get', 'serialize', 'deserialize'].includes(name)
        ? [[toSnakeCase(name), value] as const]
        : [],
    ),
  ),
)
const FUNCTION_NAMES: ReadonlyMap<unknown, string> = new Map([...FUNCTIONS].map(([name, fn]) => [fn, name]))

/**
 * The JSON that describes `value`: plain values, lists and records as they are, objects by class and config.
 *
 * @throws SavingError for what no file can hold, such as a function without a name.
 * @example
 * saving.serializeKerasObject(new losses.Huber({ delta: 2 })) // { module: 'keras.losses', class_name: 'Huber', … }
 */
export function serializeKerasObject(value: unknown): unknown {
  return serializeAt(value, 0)
}

function serializeAt(value: unknown, depth: number): unknown {
  if (depth > DEEPEST) throw new SavingError({ where: 'serializeKerasObject', problem: 'the value contains itself' })
  const inner = (item: unknown): unknown => serializeAt(item, depth + 1)
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  const ownFamily = FAMILIES.find(({ Base }) => value instanceof Base)
  if (ownFamily !== undefined) return inner(ownFamily.serialize(value))
  if (typeof value === 'function') return describeFunction(value, FUNCTION_NAMES.get(value))
  if (value instanceof KerasTensor) return serializeSymbol(value)
  const array = describeArray(value)
  if (array !== undefined) return array
  if (Array.isArray(value)) return value.map(inner)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inner(item)]))
  }
  throw new SavingError({
    where: 'serializeKerasObject',
    problem: 'there is no form in files for this object',
    expected: 'layers, losses, optimizers and the like, functions by name, tensors, plain values, lists and records',
    received: (prototype as { readonly constructor?: { readonly name?: string } }).constructor?.name ?? String(value),
  })
}

function serializeSymbol({ shape, dtype, history }: KerasTensor): unknown {
  const from = history === undefined ? null : [history.operation.name, history.nodeIndex, history.tensorIndex]
  return { class_name: '__keras_tensor__', config: { shape, dtype, keras_history: from } }
}

export interface DeserializeOptions {
  /** Classes and functions of your own, by name, beside the registered ones. */
  readonly customObjects?: CustomObjects
}

/**
 * What `serializeKerasObject` described.
 *
 * @throws SavingError for names that are not known, and for Python code.
 * @example
 * const loss = saving.deserializeKerasObject(saving.serializeKerasObject(new losses.Huber()))
 */
export function deserializeKerasObject(description: unknown, { customObjects = {} }: DeserializeOptions = {}): unknown {
  return customObjectScope(customObjects, () => deserializeAt(description, 0))
}

function deserializeAt(value: unknown, depth: number): unknown {
  if (depth > DEEPEST) throw new SavingError({ where: 'deserializeKerasObject', problem: `it is nested deeper than ${DEEPEST} levels` })
  const inner = (item: unknown): unknown => deserializeAt(item, depth + 1)
  if (typeof value === 'string') return customFor(value) ?? value
  if (value === null || value === undefined || typeof value !== 'object') return value ?? null
  if (Array.isArray(value)) return value.map(inner)
  if (!isSerializedObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inner(item)]))
  if (isConstant(value)) return reviveConstant(value, inner)
  const special = SPECIAL.get(value.class_name)
  return special === undefined ? deserializeObject(value) : special(value)
}

type Revive = (description: SerializedObject) => unknown
/** Forms that are no objects of a class. */
const SPECIAL: ReadonlyMap<string, Revive> = new Map(
  Object.entries<Revive>({
    __keras_tensor__: ({ config }) => new KerasTensor(config.shape as number[], { dtype: requireDType(config.dtype) }),
    __lambda__: (description) => refuseCode(description, 'a Python lambda'),
    __typespec__: (description) => refuseCode(description, 'a TensorFlow type'),
  }),
)

function refuseCode({ class_name: className }: SerializedObject, what: string): never {
  throw new SavingError({
    where: className,
    problem: `the file holds ${what}, which is Python's and is not run here`,
    hint: 'in Python, give the model a named layer or function instead and save it again; here, register one under that name',
  })
}

function deserializeObject(description: SerializedObject): unknown {
  if (isFunctionDescription(description)) return findFunction(description)
  const { module, class_name: className } = description
  const custom = customFor(description)
  if (typeof custom === 'function') {
    const base = FAMILIES.find(({ Base }) => isClassOf(custom, Base))
    if (base !== undefined) return base.deserialize(description)
    return typeof custom.prototype?.getConfig === 'function'
      ? makeFromConfig(custom as unknown as new () => unknown, description.config)
      : custom
  }
  const known = module === null || module === undefined ? undefined : familyOf(module, className)
  if (known !== undefined) return known.deserialize(description)
  throw unknownName('class', className, description)
}

function findFunction(description: SerializedObject): unknown {
  const name = String(description.config)
  const found = customFor(description) ?? FUNCTIONS.get(name)
  if (found !== undefined) return found
  throw unknownName('function', name, description)
}

function unknownName(kind: string, name: string, { module, registered_name: registeredName }: SerializedObject): SavingError {
  const [near] = nearest(name, [...customNames(), ...(kind === 'function' ? FUNCTIONS.keys() : [])])
  return new SavingError({
    problem: `there is no ${kind} '${name}'`,
    received: [module, registeredName].filter((part) => typeof part === 'string' && part !== '').join(', ') || name,
    hint: `${near === undefined ? '' : `did you mean '${near}'? `}Classes and functions of your own are registered with registerKerasSerializable, or passed as customObjects`,
  })
}
