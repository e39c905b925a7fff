import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { anyTypes, cycles, foreignModules, importsOf, longFiles, type Sources, wrongArrows } from './architecture.js'
import { LONG_FILE, NODE_FILES } from './rules.js'

const framework = join(dirname(fileURLToPath(import.meta.url)), '../../packages/ondol')

function readTree(folder: string, ending: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith(ending))
  return new Map(names.sort().map((name) => [name.replaceAll('\\', '/'), readFileSync(join(folder, name), 'utf8')]))
}

describe('the framework', () => {
  const sources = readTree(join(framework, 'src'), '.ts')

  it('has arrows that point down only', () => {
    expect(wrongArrows(sources)).toEqual([])
  })

  it('has no cycles among files', () => {
    expect(cycles(sources)).toEqual([])
  })

  it('needs no packages, and Node only where it says so', () => {
    expect(foreignModules(sources)).toEqual([])
  })

  it('has no exception for files that are gone', () => {
    const paths = [...sources.keys()]
    expect(Object.keys(NODE_FILES).filter((entry) => !paths.some((path) => path.startsWith(entry)))).toEqual([])
  })

  it('has no any in its public types', () => {
    const declarations = readTree(join(framework, 'dist'), '.d.ts')
    const current = [...declarations].filter(([path]) => sources.has(path.replace(/\.d\.ts$/, '.ts')))
    expect(current.length).toBeGreaterThan(0)
    expect(current.flatMap(([path, text]) => anyTypes(path, text))).toEqual([])
  })

  it('has files of one idea (a warning, no failure)', () => {
    const long = longFiles(sources)
    if (long.length > 0) console.warn(`longer than ${LONG_FILE} lines:\n  ${long.join('\n  ')}`)
  })
})

describe('the checker', () => {
  const house = (files: Record<string, string>): Sources => new Map(Object.entries(files))

  it('sees every kind of import', () => {
    const text = `
      import a from './a.js'
      import type { B } from './b.js'
      import { type C } from './c.js'
      import { type D, d } from './d.js'
      import './e.js'
      export * from './f.js'
      export type { G } from './g.js'
      const h = () => import('./h.js')
      type I = import('./i.js').I
      // import './no.js'
      const no = "import './no.js'"
    `
    expect(importsOf('x.ts', text).map(({ specifier, typeOnly }) => specifier.charAt(2) + (typeOnly ? ' type' : ''))).toEqual([
      'a',
      'b type',
      'c',
      'd',
      'e',
      'f',
      'g type',
      'h',
      'i type',
    ])
  })

  it('refuses an arrow that points up', () => {
    const files = {
      'core/shape.ts': "import { Tensor } from '../engine/tensor.js'",
      'ops/math.ts': "import type { Layer } from '../layers/layer.js'",
      'layers/dense.ts': "import { add } from '../ops/math.js'\nimport { relu } from '../activations/relu.js'",
      'models/model.ts': "import { layers } from '../index.js'",
      'cli/run.ts': "import { layers } from '../index.js'",
    }
    expect(wrongArrows(house(files))).toEqual([
      'core/shape.ts → engine/tensor.ts: core stands below engine',
      'ops/math.ts → layers/layer.ts: ops stands below layers',
      'models/model.ts → index.ts: rooms do not use the package index',
    ])
  })

  it('keeps backends behind their one door', () => {
    const files = {
      'index.ts': "import { load } from './backends/load.js'\nimport './backends/host/index.js'",
      'other.ts': "import { load } from './backends/load.js'",
      'engine/jit.ts': "import('../backends/host/index.js')",
      'training/fit.ts': "import { load } from '../backends/load.js'",
      'backends/wasm/run.ts': "import { Plan } from '../../engine/plan.js'\nimport { add } from '../../ops/math.js'",
    }
    expect(wrongArrows(house(files))).toEqual([
      'index.ts → backends/host/index.ts: nobody but the package index names a backend',
      'other.ts → backends/load.ts: only index.ts may load backends',
      'engine/jit.ts → backends/host/index.ts: nobody but the package index names a backend',
      'training/fit.ts → backends/load.ts: nobody but the package index names a backend',
      'backends/wasm/run.ts → ops/math.ts: backends know core, platform, engine only',
    ])
  })

  it('wants every room on a floor', () => {
    expect(wrongArrows(house({ 'attic/box.ts': "import '../core/shape.js'" }))).toEqual([
      'attic/box.ts → core/shape.ts: the room attic is not in tools/house/rules.ts',
    ])
  })

  it('lets tests use anything, and nobody use tests', () => {
    const files = {
      'core/shape.test.ts': "import { Dense } from '../layers/dense.js'",
      'engine/testing/arbitrary.ts': "import '../../backends/host/index.js'",
      'engine/trace.ts': "import './testing/arbitrary.js'",
    }
    expect(wrongArrows(house(files))).toEqual(['engine/trace.ts → engine/testing/arbitrary.ts: only tests use test helpers'])
  })

  it('finds cycles of values, not of types', () => {
    const files = {
      'a.ts': "import { b } from './b.js'",
      'b.ts': "import { c } from './c.js'\nimport type { A } from './a.js'",
      'c.ts': "export { b } from './b.js'",
      'd.ts': "import './a.js'",
    }
    expect(cycles(house(files))).toEqual(['b.ts → c.ts → b.ts'])
  })

  it('finds Node and packages where they do not belong', () => {
    const files = {
      'layers/dense.ts': "import fs from 'node:fs'\nimport lodash from 'lodash'\nimport { platform } from '#platform'",
      'layers/conv.ts': "const os = await import('node:os')\nimport type { Stats } from 'node:fs'",
      'layers/pool.ts': 'export const debug = process.env.DEBUG',
      'layers/ok.ts': 'export const debug = globalThis.process?.env.DEBUG',
      'platform/node.ts': "import fs from 'node:fs'\nprocess.exit()",
      'layers/dense.test.ts': "import fs from 'node:fs'",
    }
    expect(foreignModules(house(files))).toEqual([
      'layers/dense.ts imports node:fs',
      'layers/dense.ts imports the package lodash',
      'layers/conv.ts imports node:os',
      'layers/pool.ts uses process',
    ])
  })

  it('finds any in declarations, not in words', () => {
    const text =
      '/** any */\nexport declare function f(anyName: string): any;\nexport declare const list: Array<any>;\nexport type Many = unknown;'
    expect(anyTypes('f.d.ts', text)).toEqual([
      'f.d.ts:2: export declare function f(anyName: string): any;',
      'f.d.ts:3: export declare const list: Array<any>;',
    ])
  })

  it('lists long files, longest first', () => {
    const lines = (count: number): string => 'x\n'.repeat(count)
    const files = { 'a.ts': lines(LONG_FILE + 1), 'b.ts': lines(10), 'c.ts': lines(LONG_FILE + 9), 'd.test.ts': lines(999) }
    expect(longFiles(house(files))).toEqual([`c.ts: ${LONG_FILE + 10} lines`, `a.ts: ${LONG_FILE + 2} lines`])
  })
})
