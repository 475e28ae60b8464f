import { murmur2, partitionOf } from './partition-of.js'

// Kafka's own vectors: clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java, testMurmur2.
test.each([
  ['21', -973932308], ['foobar', -790332482], ['a-little-bit-long-string', -985981536], ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971], ['abc', 479470107],
])('the hash of %s is the one Kafka documents', (key, hash) => {
  expect(murmur2(Buffer.from(key))).toBe(hash)
})

test('a key stays in its partition, and keys spread over all of them', () => {
  const seen = new Set(Array.from({ length: 100 }, (_, n) => partitionOf(`["default","user-${n}"]`, 6)))
  expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5])
  expect(partitionOf('ключ', 6)).toBe(partitionOf('ключ', 6))
})
