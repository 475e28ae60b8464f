import { canonicalAddress, networkOf } from './ip-address.js'

test.each([
  ['2001:DB8:0:0::1', '2001:db8::1'], ['0:0:0:0:0:0:0:0', '::'], ['10.0.0.1', '10.0.0.1'], ['::ffff:1.2.3.4', '::ffff:102:304'],
])('%s has one spelling', (address, canonical) => {
  expect(canonicalAddress(address)).toBe(canonical)
})

test.each([
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'], ['2001:db8:1:2::', '2001:db8:1:2'], ['2001:DB8::6', '2001:db8:0:0'], ['1::2:3:4:5:6:7', '1:0:2:3'], ['::1', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'], ['10.0.0.1', '10.0.0.1'], ['::ffff:10.0.0.1', '::ffff:a00:1'], ['', ''], ['unix socket', 'unix socket'],
])('%s comes from the network %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})
