/** Drawings of models as DOT text and as SVG. */
import { platform } from '#platform'
import { ValueError } from '../core/errors.js'
import type { Layer } from '../layers/layer.js'
import { type Box, type Drawing, type DrawingOptions, drawModel } from './model-drawing.js'

const escape = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)

export interface DotOptions extends DrawingOptions {
  /** A cluster, to be put into another graph. Default false. */
  readonly subgraph?: boolean
}

/**
 * The graph of a model in Graphviz's language.
 *
 * @example
 * utils.modelToDot(model, { showShapes: true })   // 'digraph G { …'
 */
export function modelToDot(model: Layer, { subgraph = false, ...options }: DotOptions = {}): string {
  const { rankdir = 'TB', dpi = 200, splines = 'ortho' } = options
  const drawing = drawModel(model, { showLayerNames: true, ...options })
  if (subgraph) return cluster(drawing, '').join('\n')
  return [
    'digraph G {',
    `  rankdir=${quoted(rankdir)}; concentrate=true; dpi=${dpi}; splines=${quoted(splines)};`,
    '  node [shape=record];',
    ...content(drawing, '  '),
    '}',
  ].join('\n')
}

const quoted = (text: string): string => JSON.stringify(text)

const content = (drawing: Drawing, indent: string): string[] => [
  ...drawing.boxes.map((box) => `${indent}${box.id} [fontname="Helvetica" border="0" margin="0" label=${label(box)}];`),
  ...drawing.clusters.flatMap((inner) => cluster(inner, indent)),
  ...drawing.edges.map(([from, to]) => `${indent}${from} -> ${to} [penwidth=2];`),
]

const cluster = (drawing: Drawing, indent: string): string[] => [
  `${indent}subgraph ${quoted(`cluster_${drawing.name}`)} {`,
  `${indent}  style="dashed"; label=${quoted(drawing.name)}; labeljust="l";`,
  ...content(drawing, `${indent}  `),
  `${indent}}`,
]

function label({ title, note, activation, cells }: Box): string {
  const span = Math.max(1, cells.length)
  const head = `<b>${escape(title)}</b>${note === null ? '' : ` (${escape(note)})`}`
  const rows = [`<tr><td colspan="${span}" bgcolor="black"><font point-size="16" color="white">${head}</font></td></tr>`]
  if (activation !== null)
    rows.push(`<tr><td bgcolor="white" colspan="${span}"><font point-size="14">Activation: <b>${escape(activation)}</b></font></td></tr>`)
  if (cells.length > 0)
    rows.push(
      `<tr>${cells
        .map(({ label: what, value, colour = 'white' }) => {
          const text = what === '' ? `<b>${escape(value)}</b>` : `${what}: <b>${escape(value)}</b>`
          return `<td bgcolor="${colour}"><font point-size="14"${colour === 'white' ? '' : ' color="white"'}>${text}</font></td>`
        })
        .join('')}</tr>`,
    )
  return `<<table border="0" cellborder="1" bgcolor="black" cellpadding="10">${rows.join('')}</table>>`
}

// ---- SVG ----

const [LINE, LETTER, PADDING, GAP] = [24, 8.2, 14, 44]

interface Placed {
  readonly box: Box
  readonly lines: readonly string[]
  readonly width: number
  readonly height: number
  x: number
  y: number
}

/** Boxes in layers: each below everything that leads to it, in the order of the mean place of those. */
export function toSvg(drawing: Drawing, rankdir = 'TB'): string {
  const { boxes, edges, clusters } = flat(drawing)
  const placed = new Map(boxes.map((box) => [box.id, place(box)]))
  const into = (id: string): string[] => edges.filter(([, to]) => to === id).map(([from]) => from)
  const depths = new Map<string, number>()
  const depthOf = (id: string): number => {
    const known = depths.get(id)
    if (known !== undefined) return known
    depths.set(id, 0)
    const depth = Math.max(-1, ...into(id).map(depthOf)) + 1
    depths.set(id, depth)
    return depth
  }
  const rows: Placed[][] = []
  for (const box of boxes) (rows[depthOf(box.id)] ??= []).push(placed.get(box.id) as Placed)
  const isAcross = rankdir === 'LR' || rankdir === 'RL'
  const [along, across] = isAcross ? (['height', 'width'] as const) : (['width', 'height'] as const)
  const [u, v] = isAcross ? (['y', 'x'] as const) : (['x', 'y'] as const)
  const widest = Math.max(0, ...rows.map((row) => row.reduce((sum, box) => sum + box[along] + GAP / 2, -GAP / 2)))
  let at = PADDING
  for (const row of rows) {
    const mean = ({ box }: Placed): number => {
      const above = into(box.id).map((id) => placed.get(id) as Placed)
      return above.reduce((sum, other) => sum + other[u] + other[along] / 2, 0) / Math.max(1, above.length)
    }
    row.sort((a, b) => mean(a) - mean(b))
    const total = row.reduce((sum, box) => sum + box[along] + GAP / 2, -GAP / 2)
    let next = PADDING + (widest - total) / 2
    for (const box of row) {
      box[u] = next
      box[v] = at
      next += box[along] + GAP / 2
    }
    at += Math.max(...row.map((box) => box[across])) + GAP
  }
  const size = { along: widest + 2 * PADDING, across: at - GAP + PADDING }
  const [width, height] = isAcross ? [size.across, size.along] : [size.along, size.across]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${round(width)} ${round(height)}" width="${round(width)}" height="${round(height)}" font-family="Helvetica, Arial, sans-serif" font-size="14">`,
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>',
    '<rect width="100%" height="100%" fill="white"/>',
    ...clusters.map(({ name, members }) =>
      outline(
        name,
        members.map((id) => placed.get(id) as Placed),
      ),
    ),
    ...edges.map(([from, to]) => arrow(placed.get(from) as Placed, placed.get(to) as Placed, isAcross)),
    ...[...placed.values()].map(draw),
    '</svg>',
  ].join('\n')
}

const round = (value: number): string => String(Math.round(value * 10) / 10)

/** Boxes and arrows of a drawing and all in it; models inside as lists of boxes. */
function flat(drawing: Drawing): { boxes: Box[]; edges: (readonly [string, string])[]; clusters: { name: string; members: string[] }[] } {
  const inner = drawing.clusters.map(flat)
  return {
    boxes: [...drawing.boxes, ...inner.flatMap(({ boxes }) => boxes)],
    edges: [...drawing.edges, ...inner.flatMap(({ edges }) => edges)],
    clusters: inner.flatMap(({ boxes, clusters }, i) => [
      { name: drawing.clusters[i]?.name ?? '', members: boxes.map(({ id }) => id) },
      ...clusters,
    ]),
  }
}

function place(box: Box): Placed {
  const lines = [
    box.note === null ? box.title : `${box.title} (${box.note})`,
    ...(box.activation === null ? [] : [`Activation: ${box.activation}`]),
    ...box.cells.map(({ label: what, value }) => (what === '' ? value : `${what}: ${value}`)),
  ]
  return {
    box,
    lines,
    width: Math.max(...lines.map((line) => line.length)) * LETTER + 2 * PADDING,
    height: lines.length * LINE,
    x: 0,
    y: 0,
  }
}

function draw({ box, lines, x, y, width, height }: Placed): string {
  const cellsFrom = lines.length - box.cells.length
  const rows = lines.map((line, i) => {
    const colour = i === 0 ? 'black' : (box.cells[i - cellsFrom]?.colour ?? 'white')
    const top = y + i * LINE
    return (
      `<rect x="${round(x)}" y="${round(top)}" width="${round(width)}" height="${LINE}" fill="${colour}" stroke="black"/>` +
      `<text x="${round(x + width / 2)}" y="${round(top + LINE * 0.68)}" text-anchor="middle" fill="${colour === 'white' ? 'black' : 'white'}"${i === 0 ? ' font-weight="bold"' : ''}>${escape(line)}</text>`
    )
  })
  return `<g data-height="${round(height)}">${rows.join('')}</g>`
}

function arrow(from: Placed, to: Placed, isAcross: boolean): string {
  const [x1, y1] = isAcross ? [from.x + from.width, from.y + from.height / 2] : [from.x + from.width / 2, from.y + from.height]
  const [x2, y2] = isAcross ? [to.x, to.y + to.height / 2] : [to.x + to.width / 2, to.y]
  const bend = isAcross ? `${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2}` : `${x1} ${(y1 + y2) / 2} ${x2} ${(y1 + y2) / 2}`
  return `<path d="M${x1} ${y1}C${bend} ${x2} ${y2}" fill="none" stroke="black" stroke-width="2" marker-end="url(#tip)"/>`
}

function outline(name: string, members: readonly Placed[]): string {
  const left = Math.min(...members.map(({ x }) => x)) - 8
  const top = Math.min(...members.map(({ y }) => y)) - 20
  const right = Math.max(...members.map(({ x, width }) => x + width)) + 8
  const bottom = Math.max(...members.map(({ y, height }) => y + height)) + 8
  return (
    `<rect x="${round(left)}" y="${round(top)}" width="${round(right - left)}" height="${round(bottom - top)}" fill="none" stroke="gray" stroke-dasharray="6 4"/>` +
    `<text x="${round(left + 6)}" y="${round(top + 14)}" fill="gray">${escape(name)}</text>`
  )
}

export interface PlotOptions extends DrawingOptions {
  /** A path that ends in .svg or .dot. Default `model.svg`. */
  readonly toFile?: string
}

/**
 * Draws a model into a file, and gives what was written.
 *
 * @throws ValueError for other formats.
 * @example
 * await utils.plotModel(model, { toFile: 'model.svg', showShapes: true, showLayerNames: true })
 */
export async function plotModel(model: Layer, { toFile = 'model.svg', ...options }: PlotOptions = {}): Promise<string> {
  const format = /\.(svg|dot)$/.exec(toFile)?.[1]
  if (format === undefined)
    throw new ValueError({
      where: 'plotModel',
      problem: 'plots are written as SVG or DOT',
      expected: 'a path that ends in .svg or .dot',
      received: toFile,
      hint: 'Graphviz makes the rest of a .dot file: `dot -Tpng model.dot -o model.png`',
    })
  const settings = { showLayerNames: false, ...options }
  const text = format === 'dot' ? modelToDot(model, settings) : toSvg(drawModel(model, settings), options.rankdir)
  await platform.writeFile(toFile, new TextEncoder().encode(text))
  return text
}
