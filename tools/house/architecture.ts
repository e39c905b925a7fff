/**
 * Checks the rooms of the framework: which way the arrows point, cycles, Node built-ins, `any` in public
 * types. Works on a map of sources, so that its own tests can build small houses.
 */
import { dirname, join } from 'node:path/posix'
import ts from 'typescript'
import { BACKENDS, FLOORS, LONG_FILE, NODE_FILES, OTHER_MODULES, PROGRAMS } from './rules.js'

/** Sources by path below `src`, such as `layers/dense.ts`. */
export type Sources = ReadonlyMap<string, string>

export interface Import {
  readonly specifier: string
  readonly typeOnly: boolean
}

/** Tests and their helpers may use anything. */
const isTest = (path: string): boolean => /\.test\.ts$|(^|\/)testing\//.test(path)
const roomOf = (path: string): string => (path.includes('/') ? path.slice(0, path.indexOf('/')) : '')
const parse = (path: string, text: string): ts.SourceFile => ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node)
  ts.forEachChild(node, (child) => walk(child, visit))
}

interface Facts {
  readonly imports: readonly Import[]
  /** Uses `process.x` as a free name; `globalThis.process?.x` is a question that any platform can answer. */
  readonly usesProcess: boolean
}

const known = new Map<string, Facts>()

function factsOf(path: string, text: string): Facts {
  const imports: Import[] = []
  let usesProcess = false
  const add = (specifier: ts.Node | undefined, typeOnly: boolean): void => {
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) imports.push({ specifier: specifier.text, typeOnly })
  }
  walk(parse(path, text), (node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword)
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], false)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true)
    else if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) usesProcess ||= node.expression.text === 'process'
  })
  return { imports, usesProcess }
}

/** `factsOf`, once for each text: several rules ask. */
function lookAt(path: string, text: string): Facts {
  let facts = known.get(text)
  if (facts === undefined) known.set(text, (facts = factsOf(path, text)))
  return facts
}

/**
 * Everything a file imports: statements, re-exports, `import()` calls and `import('x').T` types.
 * `import { type T }` counts as a value: under `verbatimModuleSyntax` the import itself stays.
 */
export const importsOf = (path: string, text: string): readonly Import[] => lookAt(path, text).imports

/** The file below `src` that a relative specifier means, or undefined for any other specifier. */
function resolve(from: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? join(dirname(from), specifier).replace(/\.js$/, '.ts') : undefined
}

/** Arrows that point the wrong way. */
export function wrongArrows(sources: Sources): string[] {
  return edges(sources).flatMap(([from, to]) => {
    const reason = objection(from, to)
    return reason === undefined ? [] : [`${from} → ${to}: ${reason}`]
  })
}

function objection(from: string, to: string): string | undefined {
  const source = roomOf(from)
  const target = roomOf(to)
  if (isTest(to)) return 'only tests use test helpers'
  if (source === '' && to === BACKENDS.door) return from === BACKENDS.user ? undefined : `only ${BACKENDS.user} may load backends`
  if (source === target && source !== '') return undefined
  if (target === BACKENDS.room) return 'nobody but the package index names a backend'
  if (source === BACKENDS.room)
    return BACKENDS.uses.some((room) => room === target) ? undefined : `backends know ${BACKENDS.uses.join(', ')} only`
  if (source === '') return undefined
  if (target === '') return PROGRAMS.includes(source) ? undefined : 'rooms do not use the package index'
  const own = floorOf(source)
  const other = floorOf(target)
  if (own < 0 || other < 0) return `the room ${own < 0 ? source : target} is not in tools/house/rules.ts`
  return other > own ? `${source} stands below ${target}` : undefined
}

const floorOf = (room: string): number => FLOORS.findIndex((floor) => floor.includes(room))

/** Pairs of files, tests left out. */
function edges(sources: Sources, { types = true } = {}): [string, string][] {
  const pairs: [string, string][] = []
  for (const [path, text] of sources) {
    if (isTest(path)) continue
    for (const { specifier, typeOnly } of importsOf(path, text)) {
      const target = resolve(path, specifier)
      if (target !== undefined && (types || !typeOnly)) pairs.push([path, target])
    }
  }
  return pairs
}

/** Circles of files that need each other at run time; each is listed once, as a path back to its start. */
export function cycles(sources: Sources): string[] {
  const targets = new Map<string, string[]>()
  for (const [from, to] of edges(sources, { types: false })) targets.set(from, [...(targets.get(from) ?? []), to])
  const found: string[] = []
  const done = new Set<string>()
  const path: string[] = []
  const visit = (file: string): void => {
    const at = path.indexOf(file)
    if (at >= 0) found.push([...path.slice(at), file].join(' → '))
    if (at >= 0 || done.has(file)) return
    path.push(file)
    for (const target of targets.get(file) ?? []) visit(target)
    path.pop()
    done.add(file)
  }
  for (const file of targets.keys()) visit(file)
  return found
}

/** Modules from outside: Node's where they are not allowed, and packages, of which there are none at run time. */
export function foreignModules(sources: Sources): string[] {
  const mayUseNode = (path: string): boolean =>
    Object.keys(NODE_FILES).some((entry) => (entry.endsWith('/') ? path.startsWith(entry) : path === entry))
  const found: string[] = []
  for (const [path, text] of sources) {
    if (isTest(path)) continue
    for (const { specifier, typeOnly } of importsOf(path, text)) {
      if (specifier.startsWith('.') || OTHER_MODULES.includes(specifier)) continue
      if (!specifier.startsWith('node:')) found.push(`${path} imports the package ${specifier}`)
      else if (!typeOnly && !mayUseNode(path)) found.push(`${path} imports ${specifier}`)
    }
    if (!mayUseNode(path) && lookAt(path, text).usesProcess) found.push(`${path} uses process`)
  }
  return found
}

/** Places in a declaration file where a type is `any`. */
export function anyTypes(path: string, declarations: string): string[] {
  const found: string[] = []
  const file = parse(path, declarations)
  walk(file, (node) => {
    if (node.kind !== ts.SyntaxKind.AnyKeyword) return
    const { line } = file.getLineAndCharacterOfPosition(node.getStart())
    found.push(`${path}:${line + 1}: ${file.text.split('\n')[line]?.trim()}`)
  })
  return found
}

/** Files that are longer than one idea should be, longest first. */
export function longFiles(sources: Sources): string[] {
  const lengths = [...sources].map(([path, text]) => [path, text.split('\n').length] as const)
  return lengths
    .filter(([path, lines]) => lines > LONG_FILE && !isTest(path))
    .sort(([, a], [, b]) => b - a)
    .map(([path, lines]) => `${path}: ${lines} lines`)
}
