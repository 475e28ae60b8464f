import { z } from 'zod'

const ipv6 = z.ipv6()

/**
 * One spelling for one address, so that what was issued is what is shown and found: IPv6 in lower case with its longest run of zeros
 * left out (RFC 5952, but for the dotted tail of mapped addresses). The address must be one already.
 */
export const canonicalAddress = (address: string): string => (address.includes(':') ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address)

/**
 * The addresses one stranger has at will: an IPv4 address, or the half of an IPv6 address that names its network (RFC 4291 section 2.5.4).
 * Whatever is no address is its own.
 */
export function networkOf(address: string): string {
  const [plain = ''] = address.split('%')
  if (!ipv6.safeParse(plain).success) return plain
  const canonical = canonicalAddress(plain)
  // A socket for both families shows IPv4 so; half of that would be everybody.
  if (canonical.startsWith('::ffff:')) return canonical
  const [head = [], tail = []] = canonical.split('::').map((part) => part.split(':').filter((group) => group !== ''))
  return [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail].slice(0, 4).join(':')
}
