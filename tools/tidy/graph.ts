/** Who leads to whom. */
export type Graph = ReadonlyMap<string, Iterable<string>>

/** Everything that the starting points lead to, themselves included. */
export function reached(graph: Graph, starts: Iterable<string>): Set<string> {
  const seen = new Set(starts)
  for (const node of seen) for (const next of graph.get(node) ?? []) seen.add(next)
  return seen
}

/** One shortest way around for each knot of nodes that lead to each other. */
export function cycles(graph: Graph): string[][] {
  const told = new Set<string>()
  const found: string[][] = []
  for (const node of graph.keys()) {
    if (told.has(node)) continue
    const way = wayBack(graph, node)
    if (!way) continue
    for (const member of way) told.add(member)
    found.push(way)
  }
  return found
}

function wayBack(graph: Graph, start: string): string[] | undefined {
  const cameFrom = new Map<string, string>()
  const queue = [start]
  for (const node of queue) {
    for (const next of graph.get(node) ?? []) {
      if (next === start) return [...unwound(cameFrom, node, start), start]
      if (cameFrom.has(next)) continue
      cameFrom.set(next, node)
      queue.push(next)
    }
  }
  return undefined
}

function unwound(cameFrom: ReadonlyMap<string, string>, end: string, start: string): string[] {
  const way = [end]
  while (way[0] !== start) way.unshift(cameFrom.get(way[0] as string) as string)
  return way
}
