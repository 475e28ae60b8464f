import { startProgress } from './progress.adapter.mjs'

function screen(isTTY: boolean): { out: typeof process.stdout; text: () => string } {
  let text = ''
  const out = { isTTY, write: (chunk: string) => ((text += chunk), true) } as unknown as typeof process.stdout
  return { out, text: () => text }
}

beforeEach(() => void jest.useFakeTimers())
afterEach(() => void jest.useRealTimers())

test('a terminal sees one line that ticks', () => {
  const { out, text } = screen(true)
  const progress = startProgress('installing packages', out, () => Date.now())
  jest.advanceTimersByTime(2000)
  progress.end('done')
  jest.advanceTimersByTime(5000)
  expect(text().split('\r\x1b[K').slice(1)).toEqual(['installing packages … 0 s', 'installing packages … 1 s', 'installing packages … 2 s', 'installing packages … 2 s (done)\n'])
})

test('a log gets a line now and then, and how it ended', () => {
  const { out, text } = screen(false)
  const progress = startProgress('installing packages', out, () => Date.now())
  jest.advanceTimersByTime(31_000)
  progress.end('failed')
  jest.advanceTimersByTime(60_000)
  expect(text().split('\n')).toEqual(['installing packages …', 'installing packages … 15 s', 'installing packages … 30 s', 'installing packages: failed after 31 s', ''])
})
