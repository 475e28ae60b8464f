import { denylistContract } from '../denylist.contract.js'
import { MapDenylist, SharedDenylist } from '../index.js'

const key = Uint8Array.from({ length: 16 }, (_, i) => i)

denylistContract('MapDenylist', { create: () => new MapDenylist(), merge: (into, from) => into.merge(from) })
denylistContract('SharedDenylist', { create: () => new SharedDenylist({ key, maxBytes: 2 ** 24 }), merge: (into, from) => into.merge(from) })
