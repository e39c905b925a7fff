/** Checks the files that say what the compiler must accept and refuse (`src/testing/types/*.test-d.ts`). */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = `${root}packages/ondol/src/testing/types/`
const files = readdirSync(folder)
  .filter((file) => file.endsWith('.test-d.ts'))
  .map((file) => folder + file)

function optionsOf(path: string): ts.CompilerOptions {
  const { config } = ts.readConfigFile(path, ts.sys.readFile)
  return ts.parseJsonConfigFileContent({ ...config, include: [], files }, ts.sys, root).options
}

describe('the compiler agrees with', () => {
  const program = ts.createProgram(files, optionsOf(`${root}tsconfig.check.json`))
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
