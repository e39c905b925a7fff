import fc from 'fast-check'
import { describe, it } from 'vitest'
import { expectSameAsHost } from './testing/graphs.js'
import { randomGraph } from './testing/random-graph.js'

const targets = [
  { epilogues: true, fusion: true },
  { epilogues: false, fusion: false },
]

describe('optimize and lowerToPlan on random graphs', () => {
  for (const target of targets) {
    it(`keeps their meaning (fusion ${target.fusion})`, () => {
      fc.assert(
        fc.property(fc.array(fc.nat(), { minLength: 20, maxLength: 160 }), (choices) => expectSameAsHost(randomGraph(choices), target)),
        { numRuns: 400 },
      )
    })
    it(`lowers them unoptimised (fusion ${target.fusion})`, () => {
      fc.assert(
        fc.property(fc.array(fc.nat(), { minLength: 20, maxLength: 160 }), (choices) =>
          expectSameAsHost(randomGraph(choices), target, (graph) => graph),
        ),
        { numRuns: 400 },
      )
    })
  }
})
