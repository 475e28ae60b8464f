import { tellingOfLosses } from './lost-connection.js'

test('a lost connection is told of until its pool is being ended: those that die then were to go', () => {
  const told: object[] = []
  const pool = { ending: false }
  const tell = tellingOfLosses(pool, { warn: (fields) => void told.push(fields) })
  const error = new Error('terminating connection due to administrator command')
  tell(error)
  pool.ending = true
  tell(error)
  expect(told).toEqual([{ err: error }])
})
