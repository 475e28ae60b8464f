import { cycles, reached } from './graph.js'

const graph = (edges: Readonly<Record<string, string[]>>): Map<string, string[]> => new Map(Object.entries(edges))

test('what is reached is reached through others too', () => {
  expect(reached(graph({ a: ['b'], b: ['c'], d: ['a'] }), ['a'])).toEqual(new Set(['a', 'b', 'c']))
})

test('a line has no way back', () => {
  expect(cycles(graph({ a: ['b', 'c'], b: ['c'], c: [] }))).toEqual([])
})

test('each knot is told once, by its shortest way around', () => {
  expect(cycles(graph({ a: ['b'], b: ['c'], c: ['a', 'b'], x: ['x'] }))).toEqual([['a', 'b', 'c', 'a'], ['x', 'x']])
})

test('who merely leads into a knot is no part of it', () => {
  expect(cycles(graph({ outside: ['a'], a: ['b'], b: ['a'] }))).toEqual([['a', 'b', 'a']])
})
