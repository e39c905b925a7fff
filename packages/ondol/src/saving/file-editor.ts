/**
 * `KerasFileEditor`: looks into a file of weights, changes what is in it, and writes it again. Follows
 * `keras/src/saving/file_editor.py`, without its pictures for notebooks. Opening waits for the file; weights are read when they are written.
 */
import { platform } from '#platform'
import { SavingError, ValueError } from '../core/errors.js'
import type { TensorLike } from '../ops/define.js'
import { CONFIG, METADATA, openFolder, openZip, WEIGHTS } from './archive.js'
import { type H5Group, openHdf5, writeHdf5 } from './hdf5/index.js'
import { type Json, parseJson } from './json.js'
import { type Readable, type WriteOptions, withSource, writeFile } from './location.js'
import type { Saveable } from './saveable.js'
import { draftOfTree, entryOf, treeOfFile, treeOfModel, WeightNode } from './weight-tree.js'
import { type Comparison, compareTrees, treeText } from './weight-tree-text.js'

export interface FileEditorOptions {
  /** Takes what is said, line by line. Default: prints it. */
  readonly printFn?: (line: string) => void
}

/** What is known of a file before its weights. */
interface Opened {
  readonly tree: WeightNode
  readonly config: Json
  readonly metadata: Json
}

/**
 * Looks into a `.keras` or `.weights.h5` file, changes it, and writes its weights to another: for weights that were saved before the
 * model was changed.
 *
 * @example
 * const editor = await saving.KerasFileEditor.open('old.weights.h5')
 * editor.summary()
 * editor.deleteObject('layers/dense_2')
 * editor.addObject('layers/einsum_dense', { 0: kernel, 1: bias })
 * if (editor.compare(model).status === 'success') await editor.save('new.weights.h5')
 */
export class KerasFileEditor {
  readonly filepath: Readable
  /** What `config.json` of a `.keras` file says; null for weights alone. */
  readonly config: Json
  /** What `metadata.json` of a `.keras` file says; null for weights alone. */
  readonly metadata: Json
  readonly #tree: WeightNode
  readonly #print: (line: string) => void

  private constructor(filepath: Readable, { tree, config, metadata }: Opened, { printFn }: FileEditorOptions) {
    this.filepath = filepath
    this.#tree = tree
    this.config = config
    this.metadata = metadata
    this.#print = printFn ?? ((line) => platform.print(`${line}\n`))
  }

  /**
   * Opens a file: a path, a URL, bytes, or a Blob; also a folder that was saved with `zipped: false`.
   *
   * @throws SavingError when it is no such file, or is damaged.
   */
  static async open(filepath: Readable, options: FileEditorOptions = {}): Promise<KerasFileEditor> {
    const opened = await withWeights(filepath, async (root, config, metadata) => ({ tree: await treeOfFile(root), config, metadata }))
    const editor = new KerasFileEditor(filepath, opened, options)
    editor.#print(`Keras model file '${nameOf(filepath)}'`)
    const { keras_version: version, date_saved: date } = (opened.metadata ?? {}) as Readonly<Record<string, Json>>
    if (opened.metadata !== null) editor.#print(`Saved with Keras ${String(version)} - date: ${String(date)}`)
    return editor
  }

  /** Prints objects and weights, with shapes and dtypes. */
  summary(): void {
    this.#print(treeText(this.#tree))
  }

  /**
   * Prints what the file and a model differ in, and counts it.
   *
   * @throws SavingError when the model is not built.
   */
  compare(referenceModel: Saveable): Comparison {
    this.#print('Running comparison')
    return compareTrees(this.#tree, treeOfModel(referenceModel), this.#print)
  }

  /**
   * Gives an object another name, in the same place. One that has that name is replaced.
   *
   * @param objectName its path (`layers/dense_2`), or its name where only one has it
   * @param newName without a path
   * @throws ValueError when there is no such object, several, or the new name is a path.
   */
  renameObject(objectName: string, newName: string): void {
    if (newName.includes('/') || newName === '')
      throw new ValueError({ where: 'renameObject', problem: 'the new name must be a name, not a path', received: `'${newName}'` })
    const { parent, key } = this.#find(objectName)
    if (newName === key) return
    const entries = [...parent.children].filter(([other]) => other !== newName)
    parent.children.clear()
    for (const [other, child] of entries) parent.children.set(other === key ? newName : other, child)
  }

  /**
   * Takes an object, with all in it, out.
   *
   * @throws ValueError when there is no such object, or several.
   */
  deleteObject(objectName: string): void {
    const { parent, key } = this.#find(objectName)
    parent.children.delete(key)
  }

  /**
   * Adds an object, such as a layer, with its weights by name; what was at that path is replaced.
   *
   * @param objectPath its whole path; all but the last part must be there
   * @throws ValueError when the path is not there, or the weights are no record.
   */
  addObject(objectPath: string, weights: Readonly<Record<string, TensorLike>>): void {
    requireRecord(weights, 'addObject')
    const parts = objectPath.split('/')
    const key = parts.pop() as string
    let parent = this.#tree
    for (const part of parts) {
      const child = parent.children.get(part)
      if (!(child instanceof WeightNode)) throw this.#notFound(parts.join('/'))
      parent = child
    }
    if (key === '') throw new ValueError({ where: 'addObject', problem: 'the path ends without a name', received: `'${objectPath}'` })
    const node = new WeightNode()
    for (const [name, value] of Object.entries(weights)) node.children.set(name, entryOf(value))
    parent.children.set(key, node)
  }

  /**
   * Takes one weight of an object out.
   *
   * @throws ValueError when there is no such object or weight.
   */
  deleteWeight(objectName: string, weightName: string): void {
    const node = this.#object(objectName)
    if (node.children.delete(weightName)) return
    throw new ValueError({
      where: 'deleteWeight',
      problem: `there is no weight '${weightName}' in '${objectName}'`,
      received: `here are ${[...node.children.keys()].join(', ') || 'none'}`,
    })
  }

  /**
   * Gives an object more weights; those that it has under these names are replaced.
   *
   * @throws ValueError when there is no such object, or the weights are no record.
   */
  addWeights(objectName: string, weights: Readonly<Record<string, TensorLike>>): void {
    requireRecord(weights, 'addWeights')
    const { children } = this.#object(objectName)
    for (const [name, value] of Object.entries(weights)) children.set(name, entryOf(value))
  }

  /**
   * Writes the weights to a `.weights.h5` file, all or nothing; also to the one that was opened.
   *
   * @throws ValueError for another ending.
   */
  async save(filepath: string | URL, options: WriteOptions = {}): Promise<void> {
    if (!String(filepath).endsWith('.weights.h5'))
      throw new ValueError({ where: 'save', problem: "the name must end in '.weights.h5'", received: `'${filepath}'` })
    await withWeights(this.filepath, async (root) => {
      const draft = draftOfTree(this.#tree, root)
      await writeFile(filepath, options, (sink) => writeHdf5(draft, sink))
    })
  }

  /** As `save`. */
  resaveWeights(filepath: string | URL, options: WriteOptions = {}): Promise<void> {
    return this.save(filepath, options)
  }

  /** Where something is, by its path, or by its name where only one has it. */
  #find(name: string): { readonly parent: WeightNode; readonly key: string } {
    if (name.includes('/')) {
      const parts = name.split('/')
      const key = parts.pop() as string
      let parent: WeightNode = this.#tree
      for (const part of parts) {
        const child = parent.children.get(part)
        if (!(child instanceof WeightNode)) throw this.#notFound(name)
        parent = child
      }
      if (!parent.children.has(key)) throw this.#notFound(name)
      return { parent, key }
    }
    const parents: WeightNode[] = []
    const visit = (node: WeightNode): void => {
      if (node.children.has(name)) parents.push(node)
      for (const child of node.children.values()) if (child instanceof WeightNode) visit(child)
    }
    visit(this.#tree)
    const [parent] = parents
    if (parent === undefined) throw this.#notFound(name)
    if (parents.length > 1)
      throw new ValueError({
        where: nameOf(this.filepath),
        problem: `'${name}' occurs ${parents.length} times`,
        hint: "give the whole path, such as 'layers/dense_2'",
      })
    return { parent, key: name }
  }

  #object(name: string): WeightNode {
    const { parent, key } = this.#find(name)
    const node = parent.children.get(key)
    if (node instanceof WeightNode) return node
    throw new ValueError({ where: nameOf(this.filepath), problem: `'${name}' is a weight, not an object` })
  }

  #notFound(path: string): ValueError {
    return new ValueError({
      where: nameOf(this.filepath),
      problem: `there is nothing at '${path}'`,
      hint: 'editor.summary() lists all objects',
    })
  }
}

const nameOf = (from: Readable): string => {
  if (typeof from === 'string' || from instanceof URL) return String(from)
  return from instanceof Blob ? 'blob' : 'bytes'
}

function requireRecord(weights: unknown, where: string): void {
  const prototype: unknown = typeof weights === 'object' && weights !== null ? Object.getPrototypeOf(weights) : undefined
  if (prototype === Object.prototype || prototype === null) return
  throw new ValueError({
    where,
    problem: 'weights must be a record',
    expected: "arrays by name, usually '0', '1', …: { 0: kernel, 1: bias }",
    received: Array.isArray(weights) ? 'a list' : String(weights),
  })
}

/** Lets `use` read the weights of a file, and what else there is to know of a `.keras` file. */
async function withWeights<R>(from: Readable, use: (root: H5Group, config: Json, metadata: Json) => Promise<R>): Promise<R> {
  const folder = typeof from === 'string' || from instanceof URL ? await openFolder(String(from)) : undefined
  const inArchive = async (archive: NonNullable<typeof folder>): Promise<R> => {
    const json = async (member: string): Promise<Json> => parseJson(await archive.text(member), `${archive.name} → ${member}`)
    const [config, metadata] = [await json(CONFIG), await json(METADATA)]
    return archive.withMember(WEIGHTS, async (member) => use(await openHdf5(member), config, metadata))
  }
  if (folder !== undefined) return inArchive(folder)
  return withSource(from, async (source) => {
    const start = new Uint8Array(Math.min(2, source.byteLength))
    await source.read(0, start)
    if (start[0] === 0x50 && start[1] === 0x4b) return inArchive(await openZip(source))
    const root = await openHdf5(source)
    if (root.attributeNames.includes('layer_names') || root.attributeNames.includes('model_config'))
      throw new SavingError({
        where: source.name,
        problem: 'this file is of an older Keras, which kept weights otherwise',
        expected: 'a .keras or .weights.h5 file',
        hint: 'load it into its model, and save that',
      })
    return use(root, null, null)
  })
}
