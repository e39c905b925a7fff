/** Graph → Plan: legalize, form regions, emit steps, put them in order, give buffers addresses. */

import { type Shape, sizeOf } from '../../core/shape.js'
import { debugLog } from '../debug.js'
import { type Graph, isNode, type Value } from '../graph.js'
import type { LoopStep, Plan, PlanBuffer, Step, View } from '../plan.js'
import { printPlan } from '../plan-print.js'
import { controlStep, isControl } from './control.js'
import { earlyWriters, orderUpdates } from './donations.js'
import { kernelStep } from './kernels.js'
import { Findings, isSpread, legalize, type Operation, type Program } from './legalize.js'
import { copyLoop, emitLoop, type Place } from './loops.js'
import { planMemory } from './memory.js'
import { baseOf, type Region, type Regions } from './region.js'
import { formRegions } from './regions.js'
import { firstElement, literalOf, loopType } from './scalars.js'
import { schedule } from './schedule.js'
import { dense, moveView, sliceView } from './strided.js'
import type { LoweringTarget } from './target.js'
import { rebind, type Storage, type Unit } from './units.js'

export type { LoweringTarget } from './target.js'

/** The plan of a graph. The graph should have been through `optimize`. */
export function lowerToPlan(graph: Graph, target: LoweringTarget): Plan {
  const findings = new Findings()
  for (;;) {
    const known = findings.forced.size
    const plan = new Lowering(graph, target, findings).run()
    if (plan !== null) {
      debugLog('plan', () => `\n${printPlan(plan)}`)
      return plan
    }
    if (findings.forced.size === known) throw new Error('internal: lowering makes no progress')
  }
}

class Lowering {
  readonly program: Program
  readonly regions: Regions
  readonly #stored: ReadonlySet<Value>
  readonly #storages: Storage[] = []
  readonly #places = new Map<Value, Place>()
  readonly #inputs: number[]
  readonly #outputs: number[]
  readonly #outputOf = new Map<Value, number>()
  readonly #units: Unit[] = []
  /** The unit after which a value is in memory. */
  readonly #makers = new Map<Value, Unit>()
  readonly #order = new Map<Operation, number>()
  #isBlocked = false

  constructor(
    readonly graph: Graph,
    readonly target: LoweringTarget,
    readonly findings: Findings,
  ) {
    this.program = legalize(graph, target, findings)
    this.regions = formRegions(this.program, target.fusion)
    this.#stored = this.regions.stored()
    this.#inputs = graph.inputs.map((value, index) => this.#storage({ ...bare(value), role: { kind: 'input', index } }))
    this.#outputs = graph.outputs.map((value, index) => this.#storage({ ...bare(value), role: { kind: 'output', index } }))
    graph.inputs.forEach((value, index) => void this.#places.set(value, { ...dense(value.shape), buffer: this.#inputs[index] as number }))
    this.program.outputs.forEach((value, index) => {
      if (this.program.producer.has(value)) this.#outputOf.set(value, index)
    })
  }

  run(): Plan | null {
    this.program.operations.forEach((operation, index) => void this.#order.set(operation, index))
    const pending: { readonly unit: Unit; readonly reads: Iterable<Value> }[] = []
    const add = (step: Step | null, order: number, reads: Iterable<Value>, makes: readonly Value[]): Unit => {
      const unit: Unit = { step, order, after: new Set() }
      this.#units.push(unit)
      for (const value of makes) this.#makers.set(value, unit)
      pending.push({ unit, reads })
      return unit
    }
    for (const region of this.regions.all) this.#addRegion(region, add)
    if (this.#isBlocked) return null
    for (const operation of this.program.operations) {
      if (operation.kind === 'kernel') this.#addKernel(operation, add)
      else if (operation.kind === 'assembly') this.#addAssembly(operation, add)
    }
    for (const { unit, reads } of pending) {
      for (const value of reads) {
        const maker = this.#makers.get(value)
        if (maker !== undefined && maker !== unit) unit.after.add(maker)
      }
    }
    return this.#assemble()
  }

  #addRegion(region: Region, add: AddUnit): void {
    if (region.size === 0) return
    const loop = emitLoop(region, {
      program: this.program,
      isStored: (value) => this.#stored.has(value),
      placeOf: (value) => this.#placeOf(value),
      force: (value) => {
        this.findings.forced.add(value)
        this.#isBlocked = true
      },
    })
    if (loop === null) return
    const operations = [...region.body, ...region.reductions, ...region.epilogue]
    const order = operations.reduce((latest, operation) => Math.max(latest, this.#order.get(operation) as number), 0)
    add(
      loop.step,
      order,
      loop.reads,
      operations.flatMap(({ outputs }) => outputs),
    )
  }

  #addKernel(operation: Operation, add: AddUnit): void {
    const { node, inputs, outputs, bias } = operation
    if (outputs.every(({ shape }) => sizeOf(shape) === 0)) return
    const viewOf = (value: Value): Place => this.#viewOf(value)
    const step = isControl(node)
      ? controlStep(operation, {
          viewOf,
          scratch: (like) => this.#scratch(like),
          lower: (graph) => lowerToPlan(graph, this.target),
        })
      : kernelStep(operation, { viewOf, isUsed: (value) => this.#isRead.has(value) })
    const reads = (bias === undefined ? inputs : [...inputs, bias]).map((value) => baseOf(this.program, value).base)
    add(step, this.#order.get(operation) as number, reads, outputs)
  }

  /** Concat and pad: their parts are written by others, the rest by fills. Scatter: a kernel over its base. */
  #addAssembly(operation: Operation, add: AddUnit): void {
    const { node, inputs, outputs } = operation
    const result = outputs[0] as Value
    if (sizeOf(result.shape) === 0) return
    const order = this.#order.get(operation) as number
    const reads = inputs.map((value) => baseOf(this.program, value).base)
    if (isNode(node, 'concat')) {
      add(null, order, reads, outputs)
      return
    }
    if (!isNode(node, 'pad')) {
      add(kernelStep(operation, { viewOf: (value) => this.#viewOf(value), isUsed: () => true }), order, reads, outputs)
      return
    }
    const [part, filling] = inputs as [Value, Value]
    const place = this.#placeOf(result)
    const { low, interior } = node.attributes
    const source = this.#fillingOf(filling)
    const fill = (start: readonly number[], size: Shape): LoopStep =>
      copyLoop(
        { ...sliceView(place, start, size), buffer: place.buffer },
        typeof source === 'number' ? source : spread(source, size),
        loopType(result.dtype),
        node.scope,
      )
    const before = reads.slice(1)
    if (isSpread(node)) {
      const filled = add(
        fill(
          low.map(() => 0),
          result.shape,
        ),
        order,
        before,
        [],
      )
      const target = {
        ...sliceView(
          place,
          low,
          part.shape,
          interior.map((gap) => gap + 1),
        ),
        buffer: place.buffer,
      }
      const copy = sizeOf(part.shape) === 0 ? null : copyLoop(target, this.#viewOf(part), loopType(result.dtype), node.scope)
      add(copy, order, reads, outputs).after.add(filled)
      return
    }
    const slabs = borders(low, part.shape, result.shape).map(({ start, size }) => add(fill(start, size), order, before, []))
    const whole = add(null, order, reads, outputs)
    for (const slab of slabs) whole.after.add(slab)
  }

  #fillingOf(value: Value): Place | number {
    const { node } = value
    if (isNode(node, 'full')) return literalOf(value.dtype, node.attributes.value)
    if (isNode(node, 'constant')) return firstElement(value.dtype, node.attributes.storage)
    return this.#viewOf(value)
  }

  #assemble(): Plan {
    const { graph } = this
    const units = orderUpdates(this.#units, graph.donations, this.#inputs, this.#outputs)
    const ordered = schedule(units, (id) => this.#storages[id]?.role.kind === 'temporary').flatMap(({ step }) =>
      step === null ? [] : [step],
    )
    const steps = this.#protectDonors(ordered)
    const { offsets, sameAs, arenaBytes } = planMemory(steps, this.#storages)
    const buffers: PlanBuffer[] = []
    const numbers = new Map<number, number>()
    this.#storages.forEach(({ role, dtype, size }, id) => {
      const offset = offsets.get(id)
      if (role.kind === 'temporary' && offset === undefined) return
      numbers.set(id, buffers.length)
      buffers.push({ dtype, size, role: role.kind === 'temporary' ? { kind: 'temporary', offset: offset as number } : role })
    })
    const renumber = (id: number): number => numbers.get(sameAs.get(id) ?? id) as number
    return {
      buffers,
      steps: steps.map((step) => rebind(step, renumber)),
      inputs: this.#inputs.map(renumber),
      outputs: this.#outputs.map(renumber),
      donations: graph.donations,
      ...(graph.lasting && { lasting: graph.lasting }),
      arenaBytes,
    }
  }

  /** An output that would overwrite its donor before the donor's last reading goes by way of a temporary. */
  #protectDonors(ordered: readonly Step[]): readonly Step[] {
    const early = earlyWriters(ordered, this.graph.donations, this.#inputs, this.#outputs)
    if (early.length === 0) return ordered
    const detours = new Map<number, number>()
    const copies = early.map((output) => {
      const value = this.graph.outputs[output] as Value
      const target = { ...dense(value.shape), buffer: this.#outputs[output] as number }
      const kept = { ...dense(value.shape), buffer: this.#scratch(value).buffer }
      detours.set(target.buffer, kept.buffer)
      return copyLoop(target, kept, loopType(value.dtype), '')
    })
    return [...ordered.map((step) => rebind(step, (id) => detours.get(id) ?? id)), ...copies]
  }

  #storage(storage: Storage): number {
    return this.#storages.push(storage) - 1
  }

  #scratch({ shape, dtype }: Pick<Value, 'shape' | 'dtype'>): View {
    return { ...dense(shape), buffer: this.#storage({ dtype, size: sizeOf(shape), role: { kind: 'temporary' } }) }
  }

  #placeOf(value: Value): Place {
    let place = this.#places.get(value)
    if (place === undefined) {
      place = this.#findPlace(value)
      this.#places.set(value, place)
    }
    return place
  }

  #findPlace(value: Value): Place {
    const claim = this.program.claims.get(value)
    if (claim !== undefined) {
      const owner = this.#placeOf(claim.owner)
      return { ...sliceView(owner, claim.start, value.shape), buffer: owner.buffer }
    }
    const output = this.#outputOf.get(value)
    if (output !== undefined) return { ...dense(value.shape), buffer: this.#outputs[output] as number }
    const node = this.program.producer.get(value)?.node ?? null
    if (isNode(node, 'constant')) {
      const role = { kind: 'constant', storage: node.attributes.storage } as const
      return { ...dense(value.shape), buffer: this.#storage({ ...bare(value), role }) }
    }
    const isSmall = isNode(node, 'maxPool') && value.index === 1 && sizeOf(node.attributes.window) <= 256
    return this.#scratch(isSmall ? { shape: value.shape, dtype: 'uint8' } : value)
  }

  #viewOf(value: Value): Place {
    const maker = this.program.producer.get(value)
    if (maker?.kind !== 'movement') return this.#placeOf(value)
    const inner = this.#viewOf(maker.inputs[0] as Value)
    const view = moveView(maker.node, inner)
    if (view === null) throw new Error(`internal: ${maker.node.primitive} is no view of memory`)
    return { ...view, buffer: inner.buffer }
  }

  /** Values that some operation or output needs. */
  get #isRead(): ReadonlySet<Value> {
    this.#readValues ??= new Set([...this.program.operations.flatMap(({ inputs }) => inputs), ...this.program.outputs])
    return this.#readValues
  }
  #readValues: ReadonlySet<Value> | undefined
}

type AddUnit = (step: Step | null, order: number, reads: Iterable<Value>, makes: readonly Value[]) => Unit

const bare = ({ dtype, shape }: Value): { dtype: Value['dtype']; size: number } => ({ dtype, size: sizeOf(shape) })

const spread = (scalar: Place, shape: Shape): Place => ({ ...scalar, shape, strides: shape.map(() => 0) })

/** The slabs of a padded result around its middle. */
function borders(low: readonly number[], middle: Shape, whole: Shape): { readonly start: readonly number[]; readonly size: Shape }[] {
  const slabs: { start: number[]; size: number[] }[] = []
  const start = whole.map(() => 0)
  const size = [...whole]
  middle.forEach((extent, axis) => {
    const before = low[axis] as number
    const after = (whole[axis] as number) - before - extent
    const slab = (from: number, count: number): void => {
      const slabSize = size.map((full, at) => (at === axis ? count : full))
      if (sizeOf(slabSize) > 0) slabs.push({ start: start.map((at, place) => (place === axis ? from : at)), size: slabSize })
    }
    slab(0, before)
    slab(before + extent, after)
    start[axis] = before
    size[axis] = extent
  })
  return slabs
}
