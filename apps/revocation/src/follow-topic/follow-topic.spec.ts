import { topicChange } from './follow-topic.js'

const seen = { topicId: 'a', partitions: 3 }

test.each([
  ['a topic that was never seen', { topicId: undefined, partitions: 3 }, seen, 'noted'],
  ['a topic that was never seen, and has fewer partitions than the catalogue says', { topicId: undefined, partitions: 3 }, { topicId: 'a', partitions: 1 }, 'noted'],
  ['the same topic', { topicId: 'a', partitions: 3 }, seen, 'none'],
  ['the same topic with more partitions', { topicId: 'a', partitions: 3 }, { topicId: 'a', partitions: 6 }, 'noted'],
  ['an old description of the same topic', { topicId: 'a', partitions: 6 }, seen, 'none'],
  ['another incarnation', { topicId: 'b', partitions: 3 }, seen, 'recreated'],
] as const)('%s', (_, known, description, kind) => {
  expect(topicChange(known, description).kind).toBe(kind)
})
