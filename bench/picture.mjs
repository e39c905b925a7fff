// Draws docs/speed.svg from the tables of results.md: milliseconds of a training step, the shorter the better.
// Run: node bench/picture.mjs
import { readFileSync, writeFileSync } from 'node:fs'

const SHOWN = {
  'ondol native': '#c2410c',
  'ondol native bf16': '#fb923c',
  'ondol wasm': '#fbbf24',
  'torch channels_last': '#64748b',
  'keras tensorflow': '#94a3b8',
  'keras jax': '#cbd5e1',
}
const [LABEL, BAR, ROW, GAP] = [150, 430, 19, 34]

const text = readFileSync(new URL('results.md', import.meta.url), 'utf8')
const charts = ['mlp', 'convnet', 'lstmqa', 'densenet'].map((model) => {
  const table = text.split(`### ${model}:`)[1].split('###')[0]
  const times = new Map([...table.matchAll(/^\| ([a-z_0-9 ]+?) +\| +([\d.]+) /gm)].map(([, name, ms]) => [name, Number(ms)]))
  return { title: model, bars: Object.keys(SHOWN).flatMap((name) => (times.has(name) ? [{ name, ms: times.get(name) }] : [])) }
})

let y = 16
const parts = charts.map(({ title, bars }) => {
  const longest = Math.max(...bars.map(({ ms }) => ms))
  const lines = [`<text x="0" y="${y}" font-weight="bold">${title}</text>`]
  for (const { name, ms } of bars) {
    y += ROW
    const width = Math.max(1, (ms / longest) * BAR).toFixed(1)
    const label = ms >= 100 ? ms.toFixed(0) : ms.toFixed(1)
    lines.push(
      `<text x="${LABEL - 8}" y="${y}" text-anchor="end">${name}</text>`,
      `<rect x="${LABEL}" y="${y - 11}" width="${width}" height="13" rx="2" fill="${SHOWN[name]}"/>`,
      `<text x="${LABEL + Number(width) + 6}" y="${y}">${label} ms</text>`,
    )
  }
  y += GAP
  return lines.join('\n')
})
const [width, height] = [LABEL + BAR + 90, y - GAP + 12]
const style = 'text{font:12px system-ui,sans-serif;fill:#1e293b}'
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 0 ${width} ${height}" width="${width}" height="${height}">
<title>Milliseconds of a training step on two cores; the shorter the better</title>
<style>${style}</style><rect x="-8" width="${width}" height="${height}" fill="#ffffff"/>
${parts.join('\n')}
</svg>
`
writeFileSync(new URL('../docs/speed.svg', import.meta.url), svg)
