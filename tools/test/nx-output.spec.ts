import { failedTasks, failureText } from './nx-output.js'

const green = `
 NX   Running targets typecheck, lint for 2 projects:

- bus
- kernel

> nx run kernel:lint  [local cache]

> eslint libs/kernel\r
\r
`
const red = `${green}
> nx run bus:lint

> eslint libs/bus\r
\r
  \u001b[2m2:24\u001b[22m  \u001b[31merror\u001b[39m  'readFile' is defined but never used

Warning: command "eslint libs/bus" exited with non-zero status code


 NX   Running targets typecheck, lint for 2 projects failed

Failed tasks:

- bus:lint
- service-kit:typecheck

  Run duration:      1.5s
`

test('failed tasks are the listed ones', () => {
  expect(failedTasks(red)).toEqual(['bus:lint', 'service-kit:typecheck'])
})

test('a green run has none', () => {
  expect(failedTasks(`${green}\n NX   Successfully ran target lint for project kernel\n`)).toEqual([])
})

test('the failure text is what the failed tasks said, in plain letters', () => {
  const text = failureText(red)
  expect(text).toContain("2:24  error  'readFile' is defined but never used")
  expect(text).not.toContain('kernel')
  expect(text).not.toContain('Failed tasks')
})

test('when Nx fails before any task, all it said is shown', () => {
  expect(failureText(' NX   The "x" token is not valid.\n')).toBe('NX   The "x" token is not valid.')
})
