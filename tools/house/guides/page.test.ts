/** A page's program says what the page says, and a page that is wrong fails. */
import { describe, expect, it } from 'vitest'
import { agrees, makeGuide } from './checks.js'
import { readPage } from './page.js'

const fence = '```'
const pageOf = (...code: string[]): string => ['# A page', '', `${fence}ts`, ...code, fence].join('\n')

/** Runs a page without imports and types; what it prints with `print` counts as printed. */
async function run(...code: string[]): Promise<void> {
  let text = ''
  const print = (line: unknown): void => {
    text += `${line}\n`
  }
  const AsyncFunction = (async () => undefined).constructor as new (...args: string[]) => (...args: unknown[]) => Promise<void>
  await new AsyncFunction('$guide', 'print', readPage(pageOf(...code)).program)(
    makeGuide(() => text),
    print,
  )
}

describe('what stands behind a statement', () => {
  it.each([
    ['a value', '1 + 1 // => 2', '1 + 1 // => 3'],
    ['a promise that is awaited', 'await Promise.resolve([1]) // => [1]', 'Promise.resolve([1]) // => [1]'],
    ['a declaration', "const a = 'x' // => 'x'", "const a = 'x' // => x"],
    ['what is printed', "print('x') // => x", "print('x') // => undefined"],
    ['lines below', 'print(1)\n// => 1', 'print(1)\n// => 1\n//    2'],
    ['a loop', 'for (const i of [1, 2]) print(i)\n// => 1\n//    2', 'for (const i of [1, 2]) print(i)\n// => 1'],
    ['an error', "throw new TypeError('no')\n// throws TypeError: no", "throw new TypeError('no')\n// throws Error: no"],
    ['an error that does not come', 'await Promise.reject(new Error("x"))\n// throws Error: x', '1 + 1\n// throws Error: …'],
  ])('is checked: %s', async (_, right, wrong) => {
    await expect(run(right)).resolves.toBeUndefined()
    await expect(run(wrong)).rejects.toThrow(/^line 4: the page says/)
  })

  it('must belong to a statement of the module', () => {
    expect(() => readPage(pageOf('function f() {', '  f() // => 1', '}'))).toThrow(/line 5: this result belongs to no statement/)
    expect(() => readPage(pageOf('f() // => 1', '(g()) // => 2'))).toThrow(/line 4: this result belongs to no statement/)
    expect(() => readPage(pageOf('class A {} // => 1'))).toThrow(/line 4: a result can stand behind/)
  })
})

it('keeps the lines of the page, and leaves other languages out', () => {
  const text = ['one', `${fence}python`, 'x = 1', fence, `${fence}ts`, 'a()', fence, `${fence}js`, '// side.js', 'b()', fence].join('\n')
  const { source, files, expectations } = readPage(text)
  expect(source.split('\n')).toEqual(['', '', '', '', '', 'a()', '', '', '', '', ''])
  expect([...files]).toEqual([['side.js', '// side.js\nb()']])
  expect(expectations).toBe(0)
  expect(() => readPage(`${fence}ts\na()`)).toThrow(/line 1: this block has no end/)
})

it('compares texts without white space, and lets … stand for anything', () => {
  expect(agrees('[ 1, 2 ]', '[1, 2]')).toBe(true)
  expect(agrees('{ a: "x" }', "{ a: 'x' }")).toBe(true)
  expect(agrees('0.30000001', '0.3…')).toBe(true)
  expect(agrees('a.c', 'abc')).toBe(false)
  expect(agrees('12', '1')).toBe(false)
})
