/**
 * One spelling for one address, so that what was issued is what is shown and found: IPv6 in lower case with its longest run of zeros
 * left out (RFC 5952, but for the dotted tail of mapped addresses). The address must be one already.
 */
export const canonicalAddress = (address: string): string => (address.includes(':') ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address)
