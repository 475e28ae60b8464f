// node deploy/health.mjs <url>: exits 0 when it answers 2xx within two seconds. Slim images have no curl.
const [url] = process.argv.slice(2)
const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch((error) => ({ ok: false, status: error.message }))
if (!answer.ok) console.error(`${url}: ${answer.status}`)
process.exit(answer.ok ? 0 : 1)
