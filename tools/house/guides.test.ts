/** The code of the guides and of the README: type-checked as users would write it, run, and compared with what the pages say. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { config, getBackend, setBackend, utils } from 'ondol'
import ts from 'typescript'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { makeGuide, shown } from './guides/checks.js'
import { readPage } from './guides/page.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const guides = join(root, 'docs/guides')
const paths = [
  join(root, 'README.md'),
  ...readdirSync(guides)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(guides, name)),
]

mkdirSync(join(root, 'build'), { recursive: true })
const folder = mkdtempSync(join(root, 'build/guides-'))
const home = process.cwd()
const backend = getBackend()

const pages = paths.map((path) => {
  const name = basename(path, '.md')
  const place = join(folder, name)
  mkdirSync(place)
  const page = readPage(readFileSync(path, 'utf8'))
  for (const [file, text] of page.files) writeFileSync(join(place, file), text)
  writeFileSync(join(place, 'page.ts'), page.source)
  return { name, path, place, ...page }
})

/** What the README trains on, in small: sixteen pictures of Fashion-MNIST's format and size. */
function writePictures(place: string): void {
  mkdirSync(place)
  const header = (type: number, ...sizes: number[]): number[] => [0, 0, 8, type, ...sizes.flatMap((size) => [0, 0, size >> 8, size & 255])]
  for (const part of ['train', 't10k']) {
    writeFileSync(join(place, `${part}-images-idx3-ubyte`), Uint8Array.of(...header(3, 16, 28, 28), ...new Uint8Array(16 * 784).keys()))
    writeFileSync(join(place, `${part}-labels-idx1-ubyte`), Uint8Array.of(...header(1, 16), ...new Uint8Array(16).map((_, i) => i % 10)))
  }
}
writePictures(join(folder, 'datasets'))
vi.stubEnv('ONDOL_DATASETS', join(folder, 'datasets'))

afterEach(async () => {
  process.chdir(home)
  vi.restoreAllMocks()
  config.setDtypePolicy('float32')
  await setBackend(backend)
})
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

/** What TypeScript says of names that are not used. */
const UNUSED = [6133, 6192, 6196, 6198]

describe('the compiler accepts', () => {
  const files = pages.map(({ place }) => join(place, 'page.ts'))
  let program: ts.Program | undefined
  const programOf = (): ts.Program => {
    const { config: options } = ts.readConfigFile(join(root, 'tsconfig.check.json'), ts.sys.readFile)
    const parsed = ts.parseJsonConfigFileContent({ ...options, include: [], files }, ts.sys, root).options
    return ts.createProgram(files, parsed)
  }
  it.each(pages)('$name', { timeout: 240_000 }, ({ place }) => {
    program ??= programOf()
    const source = program.getSourceFile(join(place, 'page.ts')) as ts.SourceFile
    // A page may name a result that it does not use, but has no import that it does not.
    const isNamed = ({ code, start = 0 }: ts.Diagnostic): boolean =>
      UNUSED.includes(code) && !source.statements.some((part) => ts.isImportDeclaration(part) && part.pos <= start && start < part.end)
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
    const problems = found
      .filter((problem) => !isNamed(problem))
      .map(
        ({ start = 0, messageText }) =>
          `line ${source.getLineAndCharacterOfPosition(start).line + 1}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
      )
    expect(problems).toEqual([])
    const escapes: string[] = []
    const visit = (node: ts.Node): void => {
      if (node.kind === ts.SyntaxKind.AnyKeyword) escapes.push(node.parent.getText())
      ts.forEachChild(node, visit)
    }
    visit(source)
    expect(escapes).toEqual([])
    expect(source.text).not.toMatch(/@ts-(ignore|nocheck)/)
  })
})

describe('what the page says is so:', () => {
  it.each(pages)('$name', { timeout: 120_000 }, async ({ place, program }) => {
    const { outputText } = ts.transpileModule(program, {
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
    })
    writeFileSync(join(place, 'page.js'), outputText)
    let text = ''
    vi.spyOn(console, 'log').mockImplementation((...args) => {
      text += `${args.map((arg) => (typeof arg === 'string' ? arg : shown(arg))).join(' ')}\n`
    })
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      text += String(chunk)
      return true
    })
    Object.assign(globalThis, { $guide: makeGuide(() => text) })
    process.chdir(place)
    utils.clearSession()
    await import(/* @vite-ignore */ pathToFileURL(join(place, 'page.js')).href)
  })

  it.each(pages)('$name links to what is there', ({ path }) => {
    const targets = [...readFileSync(path, 'utf8').matchAll(/\]\(([^)#:]+)\)/g)].map(([, target]) => target as string)
    expect(targets.filter((target) => !existsSync(join(dirname(path), target)))).toEqual([])
  })

  it('is checked in every guide', () => {
    const silent = pages.filter(({ name, expectations }) => name !== 'README' && expectations === 0).map(({ name }) => name)
    expect(pages.length).toBeGreaterThan(1)
    expect(silent).toEqual([])
  })
})
