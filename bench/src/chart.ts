import type { BenchResult, CaseResult } from './result.js'

const width = 760
const barHeight = 14
const gap = 6
const labelWidth = 190
const colours = { floor: '#8a94a6', ours: '#2563eb', peer: '#d97706' } as const

interface Row {
  readonly label: string
  readonly p50: number
  readonly p99: number
  readonly colour: string
}

/** A horizontal bar chart as one self-contained SVG: for each case the floor, ours and the peers, p50 solid with p99 as a thin line. */
export function chartOf({ id, title, unit, cases, machine, startedAt }: BenchResult): string {
  const longest = Math.max(...cases.flatMap((one) => rowsOf(one).map(({ p99 }) => p99)), Number.MIN_VALUE)
  const scale = (value: number): number => (value / longest) * (width - labelWidth - 110)
  let y = 48
  const parts = cases.map((one) => {
    const heading = `<text x="12" y="${y + 12}" font-weight="600">${escaped(one.case)}</text>`
    y += barHeight + gap
    const rows = rowsOf(one).map(({ label, p50, p99, colour }) => {
      const row = `<text x="${labelWidth - 8}" y="${y + 11}" text-anchor="end">${escaped(label)}</text>`
        + `<rect x="${labelWidth}" y="${y}" width="${scale(p50).toFixed(1)}" height="${barHeight}" fill="${colour}"/>`
        + `<line x1="${labelWidth}" x2="${(labelWidth + scale(p99)).toFixed(1)}" y1="${y + barHeight / 2}" y2="${y + barHeight / 2}" stroke="${colour}" stroke-width="2"/>`
        + `<text x="${(labelWidth + scale(p99) + 6).toFixed(1)}" y="${y + 11}">${p50.toFixed(2)} / ${p99.toFixed(2)} ${escaped(unit)}</text>`
      y += barHeight + gap
      return row
    })
    y += gap
    return heading + rows.join('')
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y + 24}" viewBox="0 0 ${width} ${y + 24}" font-family="system-ui, sans-serif" font-size="11" role="img">`
    + `<title>${escaped(`${id} ${title}`)}</title><rect width="100%" height="100%" fill="#ffffff"/>`
    + `<text x="12" y="24" font-size="14" font-weight="600">${escaped(`${id}: ${title} (bar p50, line p99)`)}</text>${parts.join('')}`
    + `<text x="12" y="${y + 14}" fill="#6b7280">${escaped(`${machine}, ${startedAt.slice(0, 10)}`)}</text></svg>\n`
}

const rowsOf = ({ floor, ours, peers }: CaseResult): Row[] => [
  { label: 'floor', ...floor, colour: colours.floor }, { label: 'Curfew', ...ours, colour: colours.ours },
  ...Object.entries(peers).map(([label, peer]) => ({ label, ...peer, colour: colours.peer })),
]

const escaped = (text: string): string => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`)
