export { parkedTopicOf, revocationsRetentionMs, topicCatalogue, topics, type TopicSpec } from './topics.js'
