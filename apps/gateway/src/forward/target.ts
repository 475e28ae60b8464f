/** Where a request goes: the path at the upstream, and the authority if the request line named one. */
export interface Target {
  readonly path: string
  readonly authority?: string
}

/**
 * The target of a request line (RFC 9112 section 3.2): origin form, or absolute form as proxies are asked. Undefined for every other
 * form. The path is passed on as it came, never normalised: what the upstream sees is what the client wrote.
 */
export function targetOf(requestTarget: string, prefix: string): Target | undefined {
  if (requestTarget.startsWith('/')) return { path: prefix + requestTarget }
  const absolute = /^https?:\/\/([^/?#@]+)([/?].*)?$/i.exec(requestTarget)
  if (absolute === null) return undefined
  const path = absolute[2] ?? '/'
  return { path: prefix + (path.startsWith('?') ? `/${path}` : path), authority: absolute[1] as string }
}
