import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { credentialsFile, keptCredentials, keptRootSecret } from './credentials.adapter.js'

let dataDir: string
beforeEach(() => (dataDir = mkdtempSync(join(tmpdir(), 'curfew-credentials-'))))
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

test('credentials are made once, kept, and readable by this user alone', async () => {
  const first = await keptCredentials(dataDir)
  const again = await keptCredentials(dataDir)
  expect(again.clientSecret.reveal()).toBe(first.clientSecret.reveal())
  expect(JSON.parse(readFileSync(credentialsFile(dataDir), 'utf8'))).toEqual({ clientId: 'admin', clientSecret: first.clientSecret.reveal() })
  expect(statSync(credentialsFile(dataDir)).mode & 0o777).toBe(0o600)
  expect(readdirSync(dataDir)).toEqual(['credentials.json'])
})

test('two that start at once agree on one secret', async () => {
  const secrets = await Promise.all(Array.from({ length: 8 }, () => keptRootSecret(dataDir)))
  expect(new Set(secrets.map((secret) => secret.reveal())).size).toBe(1)
})

test('a damaged file is named and never replaced', async () => {
  writeFileSync(credentialsFile(dataDir), '{"clientId":')
  await expect(keptCredentials(dataDir)).rejects.toThrow('credentials.json does not hold')
  expect(readFileSync(credentialsFile(dataDir), 'utf8')).toBe('{"clientId":')
})
