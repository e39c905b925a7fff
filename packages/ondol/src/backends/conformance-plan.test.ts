/** Passes and lowering under the conformance suite: host memory, but every graph goes through a Plan, interpreted step by step. */
import type { TypedArray } from '../core/dtype.js'
import { sizeOf } from '../core/shape.js'
import type { Backend, Memory, Program } from '../engine/backend.js'
import type { Graph } from '../engine/graph.js'
import { lowerToPlan } from '../engine/passes/lower.js'
import { optimize } from '../engine/passes/optimize.js'
import type { LoweringTarget } from '../engine/passes/target.js'
import { interpretPlan } from '../engine/passes/testing/interpret-plan.js'
import { createHostBackend } from './host/index.js'
import { describeConformance } from './testing/conformance.js'

function createPlanBackend(target: LoweringTarget): Backend {
  const host = createHostBackend()
  const compile = (graph: Graph): Program => {
    const plan = lowerToPlan(optimize(graph), target)
    return {
      scratchBytes: plan.arenaBytes,
      dispose: () => {},
      run: (inputs, outputs) => {
        const cells = graph.inputs.map(({ dtype, shape }, i) => ({
          dtype,
          storage: host.readSync(inputs[i] as Memory, dtype, sizeOf(shape)),
        }))
        interpretPlan(plan, cells).forEach(({ storage }: { storage: TypedArray }, i) => host.write(outputs[i] as Memory, storage))
      },
    }
  }
  return {
    name: 'host',
    description: 'plans, interpreted',
    dtypes: host.dtypes,
    allocate: (bytes) => host.allocate(bytes),
    write: (memory, storage) => host.write(memory, storage),
    read: (memory, dtype, length) => host.read(memory, dtype, length),
    readSync: (memory, dtype, length) => host.readSync(memory, dtype, length),
    free: (memory) => host.free(memory),
    compile,
    finish: () => host.finish(),
    get allocatedBytes() {
      return host.allocatedBytes
    },
    dispose: () => host.dispose(),
  }
}

describeConformance('lowering with fusion', () => createPlanBackend({ epilogues: true, fusion: true }))
