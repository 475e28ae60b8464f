// kafkajs 2.2.4 types its public face only; its version is pinned, and it has no `exports` map.
declare module 'kafkajs/src/network/requestQueue/index.js' {
  export default class RequestQueue {
    readonly pending: readonly unknown[]
    scheduleCheckPendingRequests(): void
  }
}
