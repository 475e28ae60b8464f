import type { RouteSpec } from '@curfew/contracts'

/** A route as the server or the framework knows it, its path written as the catalogue writes it. */
export interface MountedRoute {
  readonly method: string
  readonly path: string
  readonly scope?: string | undefined
}

/** `/v1/sessions/:id` as the catalogue writes it: `/v1/sessions/{id}`. */
export const templateOf = (pattern: string): string => pattern.replace(/:([A-Za-z0-9_]+)/g, '{$1}')

/** The methods that some mounted route takes at this path, sorted. */
export function allowedMethods(routes: readonly MountedRoute[], path: string): string[] {
  const asked = path.split('/')
  return [...new Set(routes.filter((route) => matches(route.path.split('/'), asked)).map(({ method }) => method))].sort()
}

const matches = (template: readonly string[], asked: readonly string[]): boolean =>
  template.length === asked.length && template.every((part, at) => (part.startsWith('{') ? asked[at] !== '' : part === asked[at]))

/**
 * What differs between the routes a service has mounted and those the catalogue promises, one sentence each. The scopes count too: a route that
 * is guarded by another scope than its documentation says is the worse surprise.
 */
export function routeDifferences(mounted: readonly MountedRoute[], promised: readonly Pick<RouteSpec, 'method' | 'path' | 'scope'>[]): string[] {
  const name = ({ method, path }: MountedRoute): string => `${method} ${path}`
  const byName = new Map(mounted.map((route) => [name(route), route]))
  const known = new Set(promised.map(name))
  return [
    ...promised.filter((route) => !byName.has(name(route))).map((route) => `${name(route)} is in the catalogue and not mounted`),
    ...mounted.filter((route) => !known.has(name(route))).map((route) => `${name(route)} is mounted and not in the catalogue`),
    ...promised.filter((route) => byName.has(name(route)) && byName.get(name(route))?.scope !== route.scope)
      .map((route) => `${name(route)} asks for ${byName.get(name(route))?.scope ?? 'no scope'}, the catalogue says ${route.scope ?? 'none'}`),
  ]
}
