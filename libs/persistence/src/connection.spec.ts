import { connectionTo, serviceHome } from './connection.js'

test('our settings come after those of the address, so that an address cannot change the role', () => {
  const settings = connectionTo('postgres://me:pw@db.example:5433/curfew?sslmode=require&options=-c%20role%3Dpostgres%20-c%20work_mem%3D8MB&application_name=other',
    'curfew_session', { role: 'curfew_session', search_path: 'a, b' })
  expect(settings).toEqual({
    connectionString: 'postgres://me:pw@db.example:5433/curfew?sslmode=require', application_name: 'curfew_session',
    options: '-c role=postgres -c work_mem=8MB -c role=curfew_session -c search_path=a,\\ b',
  })
})

test.each(['Session', 'session; DROP ROLE x', '', '1st', 'a'.repeat(41)])('%p is no name for a service', (service) => {
  expect(() => serviceHome(service)).toThrow('not a service name')
})
