/**
 * Compares Keras's public names and parameters with what the package exports, by its types. An option that a
 * type does not know counts as missing, whatever the code behind it does.
 */
import ts from 'typescript'
import { toCamelCase } from '../../packages/ondol/src/core/spelling.js'
import { ABSENT, ABSENT_PARAMETERS, HOMES, RENAMED } from './coverage-rules.js'

export interface KerasEntry {
  readonly kind: 'class' | 'function' | 'value' | 'module'
  readonly parameters: readonly string[]
  readonly aliases?: readonly string[]
}
export type Inventory = Readonly<Record<string, Readonly<Record<string, KerasEntry>>>>

/** What a call of an export takes. */
interface Signature {
  readonly positional: number
  /** Of options and positional parameters alike. */
  readonly names: ReadonlySet<string>
}

export type Exports = ReadonlyMap<string, ReadonlyMap<string, Signature>>

export interface Row {
  readonly space: string
  readonly name: string
  readonly ondol: string
  readonly state: 'present' | 'partial' | 'absent' | 'missing'
  /** Why it is absent, or which parameters are not there. */
  readonly note: string
}

const COMPILER_OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  customConditions: ['source'],
  strict: true,
  noEmit: true,
  skipLibCheck: true,
}

/** Exports of the package by namespace (`''` for the root, `ops.image` for one inside another). */
export function exportsOf(index: string): Exports {
  const program = ts.createProgram([index], COMPILER_OPTIONS)
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(index)
  const root = source && checker.getSymbolAtLocation(source)
  if (root === undefined) throw new Error(`${index} is no module`)
  const spaces = new Map<string, Map<string, Signature>>()
  const visit = (module: ts.Symbol, space: string): void => {
    const found = new Map<string, Signature>()
    spaces.set(space, found)
    for (const exported of checker.getExportsOfModule(module)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
      if (symbol.flags & ts.SymbolFlags.ValueModule) visit(symbol, space === '' ? exported.name : `${space}.${exported.name}`)
      else if (symbol.flags & ts.SymbolFlags.Value) found.set(exported.name, signatureOf(checker, symbol))
    }
  }
  visit(root, '')
  return spaces
}

function signatureOf(checker: ts.TypeChecker, symbol: ts.Symbol): Signature {
  const type = checker.getTypeOfSymbol(symbol)
  const signatures = [...type.getConstructSignatures(), ...type.getCallSignatures()]
  const names = new Set<string>()
  let positional = 0
  for (const signature of signatures) {
    const { parameters } = signature
    parameters.forEach((parameter, index) => {
      names.add(parameter.name)
      // A rest takes what comes, by position or by name.
      if (isRest(parameter)) positional = Number.POSITIVE_INFINITY
      const parameterType = checker.getNonNullableType(checker.getTypeOfSymbol(parameter))
      const options = optionNames(checker, parameterType)
      for (const option of options) names.add(option)
      if (options.length === 0 || index < parameters.length - 1) positional = Math.max(positional, index + 1)
    })
  }
  if (type.getProperty('definition') === undefined) return { positional, names }
  addDefinition(checker, type, names)
  return { positional: tensorsOf(checker, type), names }
}

const isRest = ({ valueDeclaration }: ts.Symbol): boolean =>
  valueDeclaration !== undefined && ts.isParameter(valueDeclaration) && valueDeclaration.dotDotDotToken !== undefined

/** Members of a parameter that is a record of options; nothing for arrays, functions and instances of classes. */
function optionNames(checker: ts.TypeChecker, type: ts.Type): string[] {
  const parts = type.isUnion() ? type.types : [type]
  return parts.flatMap((part) => {
    const isOptions = part.flags & ts.TypeFlags.Object || part.isIntersection()
    if (!isOptions || part.isClass() || checker.isArrayLikeType(part) || part.getCallSignatures().length > 0) return []
    if (part.symbol?.flags & ts.SymbolFlags.Class) return []
    return checker.getPropertiesOfType(part).map(({ name }) => name)
  })
}

/** Ops carry their parameters in the type of their definition. */
function addDefinition(checker: ts.TypeChecker, type: ts.Type, names: Set<string>): void {
  const parameters = definitionPart(checker, type, 'parameters')
  const element = parameters && checker.getIndexTypeOfType(parameters, ts.IndexKind.Number)
  for (const part of element?.isUnion() ? element.types : element ? [element] : []) if (part.isStringLiteral()) names.add(part.value)
}

function tensorsOf(checker: ts.TypeChecker, type: ts.Type): number {
  const call = definitionPart(checker, type, 'call')
  const tensors = call?.getCallSignatures()[0]?.getParameters()[0]
  return tensors === undefined ? 0 : checker.getTypeArguments(checker.getTypeOfSymbol(tensors) as ts.TypeReference).length
}

function definitionPart(checker: ts.TypeChecker, type: ts.Type, part: string): ts.Type | undefined {
  const definition = type.getProperty('definition')
  const member = definition && checker.getTypeOfSymbol(definition).getProperty(part)
  return member && checker.getTypeOfSymbol(member)
}

/** One row for each of Keras's names. */
export function compare(inventory: Inventory, found: Exports): Row[] {
  return Object.entries(inventory).flatMap(([space, entries]) =>
    Object.entries(entries).map(([name, entry]) => rowOf(space, name, entry, found)),
  )
}

function rowOf(space: string, name: string, entry: KerasEntry, found: Exports): Row {
  const path = `${space}.${name}`
  const ours = RENAMED[path] ?? (entry.kind === 'class' ? name : toCamelCase(name))
  const homes = HOMES[space] ?? [space]
  const home = homes.find((candidate) => found.get(candidate)?.has(ours))
  const reason = ABSENT[path] ?? ABSENT[space]
  const module =
    entry.kind === 'module' ? homes.map((candidate) => `${candidate}.${ours}`).find((candidate) => found.has(candidate)) : undefined
  if (module !== undefined) return { space, name, ondol: module, state: 'present', note: '' }
  if (home === undefined) return { space, name, ondol: '', state: reason === undefined ? 'missing' : 'absent', note: reason ?? '' }
  const signature = found.get(home)?.get(ours) as Signature
  const lacking = entry.parameters.filter((parameter, index) => {
    if (parameter in ABSENT_PARAMETERS || `${path}.${parameter}` in ABSENT_PARAMETERS) return false
    return index >= signature.positional && !signature.names.has(toCamelCase(parameter))
  })
  return {
    space,
    name,
    ondol: home === '' ? ours : `${home}.${ours}`,
    state: lacking.length === 0 ? 'present' : 'partial',
    note: lacking.map(toCamelCase).join(', '),
  }
}
