/** Checks the files that say what the compiler must accept and refuse (`src/testing/types/*.test-d.ts`). */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { activations, constraints, initializers, losses, metrics, optimizers, regularizers } from '../../packages/ondol/src/index.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = `${root}packages/ondol/src/testing/types/`
const files = readdirSync(folder)
  .filter((file) => file.endsWith('.test-d.ts'))
  .map((file) => folder + file)

function optionsOf(path: string): ts.CompilerOptions {
  const { config } = ts.readConfigFile(path, ts.sys.readFile)
  return ts.parseJsonConfigFileContent({ ...config, include: [], files }, ts.sys, root).options
}

const program = ts.createProgram(files, optionsOf(`${root}tsconfig.check.json`))

describe('the compiler agrees with', () => {
  it.each(files)('%s', { timeout: 240_000 }, (file) => {
    const source = program.getSourceFile(file)
    expect(source).toBeDefined()
    const problems = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ start = 0, messageText }) => {
        const line = source?.getLineAndCharacterOfPosition(start).line ?? 0
        return `line ${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
      },
    )
    expect(problems).toEqual([])
  })
})

const ROOMS: Readonly<Record<string, { readonly get: unknown }>> = {
  activations,
  constraints,
  initializers,
  losses,
  metrics,
  optimizers,
  regularizers,
}

describe('names that the compiler offers', () => {
  const checker = program.getTypeChecker()
  const module = checker.getSymbolAtLocation(program.getSourceFile(`${folder}models.test-d.ts`) as ts.SourceFile) as ts.Symbol
  const offered = checker.getDeclaredTypeOfSymbol(checker.getExportsOfModule(module).find(({ name }) => name === 'Offered') as ts.Symbol)
  // What these mean depends on the data: `compile` decides.
  const byData = ['acc', 'accuracy', 'ce', 'crossentropy']

  it.each(offered.getProperties().map((property) => [property.name, property] as const))('are known to %s.get', async (room, property) => {
    const { types } = checker.getTypeOfSymbol(property) as ts.UnionType
    const names = types.map((type) => (type as ts.StringLiteralType).value)
    const { get } = ROOMS[room] as { get(name: string): unknown }
    expect(names.length).toBeGreaterThan(3)
    for (const name of names) if (!byData.includes(name)) expect(() => get(name)).not.toThrow()
  })
})
