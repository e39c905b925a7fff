/**
 * A page of documentation as a program: its ```ts blocks, in order, are one module, in which every line keeps its number.
 * ```js blocks that begin with `// name.js` are files beside it. What the page says about results becomes checks:
 * `// => text` after a statement is what it gives or prints, `// throws text` the error that it ends with.
 */
import ts from 'typescript'

export interface Page {
  /** All ```ts blocks, for the type checker. */
  readonly source: string
  /** The same with checks, for running. */
  readonly program: string
  /** Files that the program finds beside it. */
  readonly files: ReadonlyMap<string, string>
  /** How many results the page states. */
  readonly expectations: number
}

interface Block {
  readonly language: string
  /** Index of its first line of code. */
  readonly start: number
  readonly lines: readonly string[]
}

function blocksOf(lines: readonly string[]): Block[] {
  const blocks: Block[] = []
  for (let i = 0; i < lines.length; i++) {
    const language = /^```(\w+)/.exec(lines[i] as string)?.[1]
    if (language === undefined) continue
    const end = lines.indexOf('```', i + 1)
    if (end < 0) throw new Error(`line ${i + 1}: this block has no end`)
    blocks.push({ language, start: i + 1, lines: lines.slice(i + 1, end) })
    i = end
  }
  return blocks
}

/** The blocks at their own lines, nothing between them. */
function atTheirLines(blocks: readonly Block[], count: number): string {
  const lines = new Array<string>(count).fill('')
  for (const block of blocks) lines.splice(block.start, block.lines.length, ...block.lines)
  return lines.join('\n')
}

export function readPage(markdown: string): Page {
  const lines = markdown.split('\n')
  const blocks = blocksOf(lines)
  const files = blocks.flatMap(({ language, lines: code }) => {
    const name = /^\/\/ (\S+\.js)$/.exec(code[0] ?? '')?.[1]
    return language === 'js' && name !== undefined ? [[name, code.join('\n')] as const] : []
  })
  const source = atTheirLines(
    blocks.filter(({ language }) => language === 'ts'),
    lines.length,
  )
  return { source, ...withChecks(source), files: new Map(files) }
}

const MARK = /^[\s;]*\/\/ (=>|throws) (.*)$/

/** Calls of `$guide`, which the test defines, in the place of what the comments say. */
function withChecks(source: string): Pick<Page, 'program' | 'expectations'> {
  const file = ts.createSourceFile('page.ts', source, ts.ScriptTarget.Latest, true)
  let program = ''
  let done = 0
  const lines = new Set<number>()
  for (const statement of file.statements) {
    const expected = expectationAfter(source, statement.end)
    if (expected === undefined) continue
    const begin = statement.getStart(file)
    const line = file.getLineAndCharacterOfPosition(begin).line + 1
    lines.add(file.getLineAndCharacterOfPosition(statement.end).line + expected.below + 1)
    program += source.slice(done, begin) + checked(statement, line, expected)
    done = statement.end
  }
  const lost = source.split('\n').findIndex((text, i) => /\/\/ (=>|throws) /.test(text) && !lines.has(i + 1))
  if (lost >= 0) throw new Error(`line ${lost + 1}: this result belongs to no statement of the module`)
  return { program: program + source.slice(done), expectations: lines.size }
}

interface Expectation {
  readonly kind: string
  readonly text: string
  /** Lines from the end of the statement to where it is stated. */
  readonly below: number
}

/** What comments say behind a statement, or in the lines directly below it. */
function expectationAfter(source: string, end: number): Expectation | undefined {
  const [rest = '', ...next] = source.slice(end).split('\n')
  const below = /^[\s;]*$/.test(rest) ? 1 : 0
  const lines = below === 1 ? next : [rest, ...next]
  const mark = MARK.exec(lines[0] ?? '')
  if (mark === null) return undefined
  const more = lines.slice(1)
  const count = more.findIndex((line) => !/^\s*\/\/(?! =>| throws)/.test(line))
  const continued = more.slice(0, count < 0 ? more.length : count).map((line) => line.replace(/^\s*\/\//, ''))
  return { kind: mark[1] as string, text: [mark[2], ...continued].join('\n'), below }
}

function checked(statement: ts.Statement, line: number, { kind, text }: Expectation): string {
  const code = statement.getText()
  const told = `${line}, ${JSON.stringify(text)}`
  if (kind === 'throws') return `await $guide.throws(${told}, async () => { ${code} })`
  if (ts.isExpressionStatement(statement))
    return `await $guide.shows(${told}, async () => ({ value: (${statement.expression.getText()}) }))`
  if (ts.isVariableStatement(statement)) {
    const names = statement.declarationList.declarations.map(({ name }) => name.getText())
    return `${code}; await $guide.shows(${told}, async () => ({ value: (${names.join(', ')}) }))`
  }
  if (ts.isBlock(statement) || ts.isForOfStatement(statement) || ts.isForStatement(statement) || ts.isTryStatement(statement))
    return `await $guide.shows(${told}, async () => { ${code}; return { value: undefined } })`
  throw new Error(`line ${line}: a result can stand behind an expression, a declaration, a loop or a block only`)
}
