/** A file of `src` that production needs: specs and contract suites are only for tests. */
export const isBuilt = (name) => name.endsWith('.ts') && !name.endsWith('.d.ts') && !/\.(spec|contract)\.ts$/.test(name)

/** What one source becomes in `dist`. */
export const outputsOf = (source) => [source.replace(/\.ts$/, '.js'), source.replace(/\.ts$/, '.js.map')]

/** Outputs in `dist` that no source asks for: those of a file that was renamed or removed. */
export function leftovers(present, sources) {
  const wanted = new Set(sources.flatMap(outputsOf))
  return present.filter((name) => !wanted.has(name))
}

/** True when the stamp of an earlier build still speaks for these sources and everything it wrote is there. */
export function isCurrent({ stamp, inputs, present, sources }) {
  if (stamp !== inputs) return false
  const there = new Set(present)
  return sources.flatMap(outputsOf).every((name) => there.has(name))
}
