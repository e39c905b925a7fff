/** Editing files of weights: Keras's own test of it, and what it gets wrong. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createHostBackend } from '../backends/host/index.js'
import { SavingError, ValueError } from '../core/errors.js'
import { type Tensor, tensor, useBackend } from '../engine/index.js'
import * as layers from '../layers/index.js'
import * as ops from '../ops/index.js'
import { resetNames } from '../ops/naming.js'
import { GroupDraft, writeHdf5 } from '../saving/hdf5/index.js'
import { bytesFrom } from '../saving/location.js'
import { Model, Sequential } from './index.js'
import { KerasFileEditor } from './saving.js'

let folder = ''
beforeAll(() => {
  useBackend(createHostBackend())
  folder = mkdtempSync(join(tmpdir(), 'ondol-editor-'))
})
afterAll(() => rmSync(folder, { recursive: true }))
beforeEach(resetNames)

const { Input, dense } = layers

function model(names: readonly string[]): Model {
  const x = Input({ shape: [2] })
  const outputs = names.reduce((y, name) => dense(3, { name })(y), x as ReturnType<typeof Input>)
  return new Model({ inputs: x, outputs })
}
const source = (): Model => model(['mydense', 'output_layer'])
const target = (): Model => model(['mydense', 'myotherdense', 'output_layer'])

/** An editor, and what it has printed since it was last asked. */
async function open(from: Parameters<typeof KerasFileEditor.open>[0]): Promise<{ editor: KerasFileEditor; printed: () => string }> {
  const lines: string[] = []
  const editor = await KerasFileEditor.open(from, { printFn: (line) => lines.push(line) })
  return { editor, printed: () => lines.splice(0).join('\n') }
}

describe('KerasFileEditor', () => {
  it('adapts weights to a model with one layer more', async () => {
    const path = join(folder, 'model.keras')
    await source().save(path)
    const { editor, printed } = await open(path)
    expect(printed()).toMatch(/^Keras model file '.*model\.keras'\nSaved with Keras 3\.\d+\.\d+ - date: \d{4}-\d\d-\d\d@/)
    expect(editor.config).toMatchObject({ class_name: 'Functional' })
    expect(editor.compare(source())).toEqual({ status: 'success', errorCount: 0, matchCount: 4 })
    expect(printed()).toContain('Comparison successful: saved file is compatible with the reference model\n    Found 4 matching weights')

    expect(editor.compare(target())).toEqual({ status: 'error', errorCount: 1, matchCount: 4 })
    expect(printed()).toContain('...Object /layers/dense_2 present in reference model, missing from saved file\n')
    editor.addObject('layers/dense_3', { 0: ops.ones([3, 3]) })
    expect(editor.compare(target()).errorCount).toBe(2)
    editor.renameObject('dense_3', 'dense_4')
    editor.renameObject('layers/dense_4', 'dense_2')
    editor.addWeights('dense_2', { 1: [5, 6, 7] })
    expect(editor.compare(target())).toEqual({ status: 'success', errorCount: 0, matchCount: 6 })
    editor.addObject('layers/dense_3', { 0: ops.ones([3, 3]) })
    expect(editor.compare(target()).errorCount).toBe(1)
    editor.deleteObject('layers/dense_3')

    const resaved = join(folder, 'resaved.weights.h5')
    await editor.save(resaved)
    const fresh = target()
    await fresh.loadWeights(resaved)
    expect(await (fresh.layers[3] as layers.Dense).bias?.data()).toEqual(Float32Array.of(5, 6, 7))

    const again = (await open(resaved)).editor
    expect(again.compare(fresh).status).toBe('success')
    again.deleteWeight('dense_2', '1')
    expect(again.compare(fresh).errorCount).toBe(1)
    again.addWeights('dense_2', { 1: ops.zeros([7]) })
    expect(again.compare(fresh)).toMatchObject({ status: 'error', errorCount: 1 })
    again.addWeights('dense_2', { 1: ops.zeros([3]) })
    expect(again.compare(fresh).status).toBe('success')
    // The file that is open is replaced once all of it has been read.
    await again.resaveWeights(resaved)
    await fresh.loadWeights(resaved)
    expect(await (fresh.layers[3] as layers.Dense).bias?.data()).toEqual(new Float32Array(3))
  })

  it('prints all there is, with the names of layers, and keeps what objects have inside', async () => {
    const x = Input({ shape: [null, 2] })
    const recurrent = new Model({
      inputs: x,
      outputs: dense(1, { name: 'last', dtype: 'bfloat16' })(layers.lstm(2, { name: 'memory' })(x)),
    })
    recurrent.compile({ optimizer: 'sgd', loss: 'mse' })
    const bytes = await recurrent.saveWeights()
    const { editor, printed } = await open(bytes)
    printed()
    editor.summary()
    expect(printed()).toBe(
      [
        'Weights structure',
        '  > layers',
        "  │   ├─ dense ('last')",
        '  │   │   ├─ 0: shape=(2, 1), dtype=bfloat16',
        '  │   │   └─ 1: shape=(1,), dtype=bfloat16',
        "  │   └─ lstm ('memory')",
        "  │       └─ cell ('lstm_cell')",
        '  │           ├─ 0: shape=(2, 8), dtype=float32',
        '  │           ├─ 1: shape=(2, 8), dtype=float32',
        '  │           └─ 2: shape=(8,), dtype=float32',
        "  └─ optimizer ('sgd')",
        '      ├─ 0: shape=(), dtype=int32',
        '      └─ 1: shape=(), dtype=float32',
      ].join('\n'),
    )
    expect(editor.compare(recurrent)).toEqual({ status: 'success', errorCount: 0, matchCount: 7 })
    const path = join(folder, 'lstm.weights.h5')
    await editor.save(path)
    const before = recurrent.getWeights()
    recurrent.setWeights(before.map((value) => ops.add(value, 1) as Tensor))
    await recurrent.loadWeights(path)
    for (const [i, value] of recurrent.getWeights().entries()) expect(await value.data()).toEqual(await (before[i] as Tensor).data())
  })

  it('holds the own weights of a model', async () => {
    class Scaled extends Sequential {
      readonly scale = this.addWeight({ name: 'scale', shape: [2], initializer: 'ones' })
    }
    const scaled = new Scaled([Input({ shape: [2] }), dense(1)])
    const { editor } = await open(await scaled.saveWeights())
    expect(editor.compare(scaled)).toMatchObject({ status: 'success', matchCount: 3 })
    editor.addWeights('dense', { 1: [4] })
    const path = join(folder, 'scaled.weights.h5')
    await editor.save(path)
    await scaled.loadWeights(path)
    expect(await (scaled.getWeights().at(-1) as Tensor).data()).toEqual(Float32Array.of(4))
  })

  it('says what is not there, what is there twice, and what cannot be', async () => {
    const nested = new Sequential([Input({ shape: [2] }), dense(2), new Sequential([Input({ shape: [2] }), dense(2)])])
    const { editor } = await open(await nested.saveWeights())
    const refuses = (action: () => void, text: RegExp): void => {
      expect(action).toThrow(text)
      expect(action).toThrow(ValueError)
    }
    refuses(() => editor.renameObject('dense', 'other'), /'dense' occurs 2 times/)
    refuses(() => editor.renameObject('layers/dense', 'a/b'), /a name, not a path/)
    refuses(() => editor.deleteObject('layers/conv'), /nothing at 'layers\/conv'/)
    refuses(() => editor.deleteObject('conv'), /nothing at 'conv'/)
    refuses(() => editor.addObject('blocks/conv', { 0: [1] }), /nothing at 'blocks'/)
    refuses(() => editor.addObject('layers/conv', [[1]] as never), /weights must be a record/)
    refuses(() => editor.addWeights('layers/dense', tensor([1]) as never), /weights must be a record/)
    refuses(() => editor.deleteWeight('layers/dense', '7'), /no weight '7' in 'layers\/dense'/)
    refuses(() => editor.deleteWeight('layers/dense/0', '7'), /is a weight, not an object/)
    await expect(editor.save(join(folder, 'x.h5'))).rejects.toThrow(/must end in '.weights.h5'/)
    editor.renameObject('layers/dense', 'dense')
    expect(editor.compare(nested).status).toBe('success')
    expect(() => editor.compare(new Sequential([dense(2)]))).toThrow(/not built/)
    editor.renameObject('layers/sequential/layers', 'parts')
    expect(editor.compare(nested).errorCount).toBe(2)
  })

  it('refuses files of other kinds, and damaged ones', async () => {
    const older = await bytesFrom((sink) => {
      const root = new GroupDraft()
      root.attribute('layer_names', ['dense'])
      return writeHdf5(root, sink)
    })
    await expect(open(older)).rejects.toThrow(/of an older Keras/)
    await expect(open(Uint8Array.of(1, 2, 3))).rejects.toThrow(SavingError)
    await expect(open(join(folder, 'none.keras'))).rejects.toThrow(/no such file/)
    const bytes = await source().save()
    await expect(open((bytes as unknown as Uint8Array).slice(0, 500))).rejects.toThrow(SavingError)
  })
})
