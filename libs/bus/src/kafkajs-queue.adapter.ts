// @ts-expect-error kafkajs 2.2.4 types its public face only; its version is pinned, and it has no `exports` map.
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'

interface Queue {
  readonly pending: readonly unknown[]
  scheduleCheckPendingRequests(): void
}

const queue = (RequestQueue as { readonly prototype: Queue }).prototype
let isQuiet = false

/**
 * kafkajs 2.2.4 looks at its queue of waiting requests once a millisecond for ever, by a timer with a negative delay (tulios/kafkajs#1704, #1751): 5 % of
 * a core per idle consumer, and a warning from Node 24. An empty queue needs no look: a request that has to wait schedules the next one itself.
 */
export function quietenRequestQueues(): void {
  if (isQuiet) return
  isQuiet = true
  const schedule = queue.scheduleCheckPendingRequests
  queue.scheduleCheckPendingRequests = function (this: Queue) {
    if (this.pending.length > 0) schedule.call(this)
  }
}
