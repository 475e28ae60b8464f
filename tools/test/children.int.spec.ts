import { endChildren, runCaptured } from './children.adapter.js'

const env = process.env
const script = (text: string): string[] => ['-e', text]

test('both outputs are kept, and the end is told', async () => {
  const { endedWell, output } = await runCaptured(process.execPath, script('console.log("one"); console.error("two")'), { env, limitMs: 10_000 })
  // Two pipes promise no order between them.
  expect({ endedWell, lines: output.trim().split('\n').sort() }).toEqual({ endedWell: true, lines: ['one', 'two'] })
  expect((await runCaptured(process.execPath, script('process.exit(3)'), { env, limitMs: 10_000 })).endedWell).toBe(false)
})

test('a program that is not there has not ended well', async () => {
  expect(await runCaptured('no-such-program', [], { env, limitMs: 10_000 })).toMatchObject({ endedWell: false, output: expect.stringContaining('ENOENT') as string })
})

test('a program that hangs is ended at its limit, with its children', async () => {
  const hanging = `const { spawn } = require('node:child_process'); spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' }); setInterval(() => {}, 1000)`
  const ended = await runCaptured(process.execPath, script(hanging), { env, limitMs: 500 })
  expect(ended.endedWell).toBe(false)
  expect(ended.output).toContain('not done after 0.5 s: ended')
})

test('whoever is told to end is gone when that resolves', async () => {
  const running = runCaptured(process.execPath, script('setInterval(() => {}, 1000)'), { env, limitMs: 60_000 })
  await endChildren()
  expect((await running).endedWell).toBe(false)
})
