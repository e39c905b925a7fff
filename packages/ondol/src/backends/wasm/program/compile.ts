/** Plan → Sequence. */
import type { Plan } from '../../../engine/plan.js'
import type { Runtime } from '../runtime/runtime.js'
import { Builder } from './builder.js'
import { condControl, scanControl, whileControl } from './control.js'
import { lowerKernel } from './kernels/index.js'
import type { Sequence } from './sequence.js'

export function compilePlan(runtime: Runtime, plan: Plan): Sequence {
  const builder = new Builder(runtime, plan)
  let finished: Sequence | undefined
  const enclosing = { builder, sequence: () => finished as Sequence }
  for (const step of plan.steps) {
    builder.beginStep(step.scope)
    switch (step.kind) {
      case 'loop':
        builder.loop(step)
        break
      case 'kernel':
        lowerKernel(builder, step)
        break
      case 'scan':
        builder.control(scanControl(enclosing, step, compilePlan))
        break
      case 'while':
        builder.control(whileControl(enclosing, step, compilePlan))
        break
      case 'cond':
        builder.control(condControl(enclosing, step, compilePlan))
        break
      default:
        step satisfies never
    }
  }
  finished = builder.finish()
  return finished
}
