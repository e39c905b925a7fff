import { existsSync } from 'node:fs'
import { configDefaults, defineConfig } from 'vitest/config'

/** Packages of the repository are tested from their sources, not from what was built last. */
const fromSource = { resolve: { conditions: ['source'] }, ssr: { resolve: { conditions: ['source'] } } }

/** Without a compiler or oneDNN there is no add-on to test; the set-up has said so. */
const hasNative = process.env.ONDOL_SKIP_NATIVE !== '1' && existsSync(new URL('packages/native/build/ondol_native.node', import.meta.url))
const exclude = [...configDefaults.exclude, ...(hasNative ? [] : ['packages/ondol/src/backends/native/**'])]

export default defineConfig({
  test: {
    projects: [
      { ...fromSource, test: { name: 'unit', include: ['packages/*/src/**/*.test.ts'], exclude, testTimeout: 30_000 } },
      { ...fromSource, test: { name: 'house', include: ['tools/**/*.test.ts', 'bench/**/*.test.ts'], testTimeout: 60_000 } },
      { test: { name: 'examples', include: ['examples/**/*.test.ts'], testTimeout: 300_000 } },
      { ...fromSource, test: { name: 'interop', include: ['**/*.interop.ts'], testTimeout: 300_000 } },
    ],
  },
})
