/** A tree of weights as text, and what two of them differ in: as `keras/src/saving/file_editor.py` prints it. */
import { formatShape, sameShape } from '../core/shape.js'
import { type WeightEntry, WeightNode } from './weight-tree.js'

/** One line for each object and array. */
export function treeText(root: WeightNode): string {
  const lines: string[] = []
  const visit = (node: WeightNode, prefix: string): void => {
    const entries = [...node.children]
    for (const [index, [key, child]] of entries.entries()) {
      const isLast = index === entries.length - 1
      const connector = lines.length === 0 ? '> ' : isLast ? '└─ ' : '├─ '
      if (child instanceof WeightNode) {
        lines.push(`${prefix}${connector}${key}${child.name === undefined || child.name === '' ? '' : ` ('${child.name}')`}`)
        visit(child, prefix + (isLast ? '    ' : '│   '))
      } else lines.push(`${prefix}${connector}${key}: shape=${formatShape(child.shape)}, dtype=${child.dtype}`)
    }
  }
  visit(root, '  ')
  return ['Weights structure', ...lines].join('\n')
}

export interface Comparison {
  /** Whether the file fits the model. */
  readonly status: 'success' | 'error'
  /** Objects and weights that are on one side only, and weights of other shapes. */
  readonly errorCount: number
  /** Weights that are in both, with one shape. */
  readonly matchCount: number
}

const FILE = 'saved file'
const MODEL = 'reference model'

/** Compares; `print` takes line after line of what was found. */
export function compareTrees(file: WeightNode, model: WeightNode, print: (line: string) => void): Comparison {
  let errorCount = 0
  let matchCount = 0
  const report = (...lines: string[]): void => {
    errorCount++
    for (const line of lines) print(line)
  }
  const missing = (child: WeightNode | WeightEntry, path: string, from: string, there: string): void => {
    const what = child instanceof WeightNode ? 'Object' : 'Weight'
    const keys =
      child instanceof WeightNode ? [`    In ${there}, ${path} contains the following keys: ${[...child.children.keys()].join(', ')}`] : []
    report(`...${what} ${path} present in ${there}, missing from ${from}`, ...keys)
  }
  const visit = (own: WeightNode, reference: WeightNode, path: string): void => {
    for (const [key, wanted] of reference.children) {
      const inner = `${path}/${key}`
      const found = own.children.get(key)
      if (found === undefined) missing(wanted, inner, FILE, MODEL)
      else if (found instanceof WeightNode && wanted instanceof WeightNode) visit(found, wanted, inner)
      else if (found instanceof WeightNode || wanted instanceof WeightNode)
        report(`...${inner} is an object in the ${found instanceof WeightNode ? FILE : MODEL}, and a weight in the other`)
      else if (sameShape(found.shape, wanted.shape)) matchCount++
      else
        report(
          `...Weight shape mismatch for ${inner}`,
          `    In ${MODEL}: shape=${formatShape(wanted.shape)}`,
          `    In ${FILE}: shape=${formatShape(found.shape)}`,
        )
    }
    for (const [key, child] of own.children) if (!reference.children.has(key)) missing(child, `${path}/${key}`, MODEL, FILE)
  }
  visit(file, model, '')
  const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`
  print('─────────────────────')
  if (errorCount === 0) {
    print('Comparison successful: saved file is compatible with the reference model')
    print(`    Found ${matchCount} matching ${matchCount === 1 ? 'weight' : 'weights'}`)
  } else print(`Found ${plural(errorCount, 'error')}: saved file is not compatible with the reference model`)
  return { status: errorCount === 0 ? 'success' : 'error', errorCount, matchCount }
}
