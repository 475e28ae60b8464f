export {
  MessageBus, type BusRecord, type ConsumeOptions, type FeedReader, type GroupConsumer, type LogStore, type OutgoingRecord,
  type Position, type Publisher, type Tail, type TailOptions, type TopicAdmin, type TopicDescription, type TopicDifference,
} from './port.js'
