const isIPv6 = (address: string): boolean => address.includes(':')

export const windowMs = 60_000

/** Where one caller stands in the current window. */
export interface Allowance {
  readonly limit: number
  readonly hits: number
  readonly resetMs: number
}

export const isExceeded = ({ limit, hits }: Allowance): boolean => hits > limit

/** `RateLimit` and `RateLimit-Policy` as draft-ietf-httpapi-ratelimit-headers has them: quota and window, what is left and until when. */
export function rateHeaders({ limit, hits, resetMs }: Allowance): Record<string, string> {
  return {
    'ratelimit-policy': `"default";q=${limit};w=${windowMs / 1000}`,
    ratelimit: `"default";r=${Math.max(0, limit - hits)};t=${Math.max(0, Math.ceil(resetMs / 1000))}`,
  }
}

/**
 * Who a request counts against: the client in its tenant, or for anonymous calls the address. One holder of IPv6 addresses has at least a /64, so
 * that counts as one.
 */
export function rateKey(service: string, who: { readonly tenant: string; readonly clientId: string } | undefined, address: string): string {
  return who ? `rate:${service}:client:${JSON.stringify([who.tenant, who.clientId])}` : `rate:${service}:address:${isIPv6(address) ? network64(address) : address}`
}

function network64(address: string): string {
  if (address.startsWith('::ffff:')) return address.slice(7)
  const [head = '', tail] = address.split('%', 1)[0]!.split('::')
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = tail === undefined ? front : [...front, ...Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0'), ...back]
  return `${groups.slice(0, 4).map((group) => parseInt(group, 16).toString(16)).join(':')}::/64`
}
