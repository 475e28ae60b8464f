import { startDemoUpstream } from './demo-upstream.http.js'

// `node apps/gateway/dist/demo-upstream.main.js [port] [host]`: something to put behind a gateway.
const upstream = await startDemoUpstream({ port: Number(process.argv[2] ?? 8799), host: process.argv[3] ?? '127.0.0.1' })
console.log(`demo upstream on ${upstream.url}`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void upstream.close())
