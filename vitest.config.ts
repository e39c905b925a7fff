import { defineConfig } from 'vitest/config'

/** Packages of the repository are tested from their sources, not from what was built last. */
const fromSource = { resolve: { conditions: ['source'] }, ssr: { resolve: { conditions: ['source'] } } }

export default defineConfig({
  test: {
    testTimeout: 30_000,
    projects: [
      { ...fromSource, test: { name: 'unit', include: ['packages/*/src/**/*.test.ts'], testTimeout: 30_000 } },
      { ...fromSource, test: { name: 'house', include: ['tools/**/*.test.ts', 'bench/**/*.test.ts'], testTimeout: 60_000 } },
      { ...fromSource, test: { name: 'interop', include: ['**/*.interop.ts'], testTimeout: 300_000 } },
    ],
  },
})
