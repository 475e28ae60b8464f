import { composeFile } from './compose.adapter.js'
import { until } from './until.js'

test('the first truthy answer is the result', async () => {
  let asked = 0
  expect(await until(() => ++asked === 3 && 'third', { timeoutMs: 1000, what: 'the third answer' })).toBe('third')
})

test('giving up names what did not happen and keeps the last error', async () => {
  const waiting = until(() => { throw new Error('not yet') }, { timeoutMs: 20, what: 'the moon' })
  await expect(waiting).rejects.toMatchObject({ message: 'gave up waiting for the moon after 20 ms', cause: new Error('not yet') })
})

test('containers publish on the loopback interface only', () => {
  const text = JSON.stringify(composeFile({ kafka: 1001, database: 1002, redis: 1003 }, ['kafka', 'database', 'redis']))
  expect(text.match(/"ports":\["127\.0\.0\.1:/g)).toHaveLength(3)
})
