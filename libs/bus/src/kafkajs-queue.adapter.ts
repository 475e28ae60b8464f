/// <reference path="./kafkajs-internals.d.ts" />
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'

let isQuiet = false

/**
 * kafkajs 2.2.4 looks at its queue of waiting requests once a millisecond for ever, by a timer with a negative delay (tulios/kafkajs#1704, #1751): 5 % of
 * a core per idle consumer, and a warning from Node 24. An empty queue needs no look: a request that has to wait schedules the next one itself.
 */
export function quietenRequestQueues(): void {
  if (isQuiet) return
  isQuiet = true
  const schedule = RequestQueue.prototype.scheduleCheckPendingRequests
  RequestQueue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0) schedule.call(this)
  }
}
