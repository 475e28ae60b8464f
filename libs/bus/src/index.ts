export { decodeEvent, encodeEvent, eventKey, type EventAttributes, type ReceivedEvent } from './cloud-event.js'
export { deliver, type DeliverOptions, type DeliveryLog } from './deliver.consumer.js'
export { maxAttempts, whatNext, type Next } from './deliver.js'
export { inProcessBus } from './in-process-bus.adapter.js'
export { kafkaBus, type KafkaBusOptions } from './kafka-bus.adapter.js'
export { parkedIdText, parkedRecord, parseParkedId, type ParkedId, type ParkedRecord, type ParkReason } from './park.js'
export { listParked, replayParked, showParked, type ListParkedOptions } from './parked.store.js'
export { partitionOf } from './partition-of.js'
export {
  MessageBus, type BusLog, type BusRecord, type ConsumeOptions, type FeedReader, type GroupConsumer, type LogStore, type OutgoingRecord,
  type Position, type Publisher, type Tail, type TailOptions, type TopicAdmin, type TopicDescription, type TopicDifference,
} from './port.js'
