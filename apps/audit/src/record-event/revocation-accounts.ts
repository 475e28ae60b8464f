import { readInstant, type Reason, type RevocationCommand, type RevocationRecord, type RequestedScope, type QuarantineRecord, type quarantineCommand } from '@curfew/contracts'
import type { Instant } from '@curfew/kernel'
import type { z } from 'zod'
import type { Account } from './audit-record.js'

type HashOf = (sessionId: string) => string

/** Someone asked that a scope end: the asker is the actor, and the id is the one the revocation will have. */
export function revocationRequested(command: RevocationCommand, at: Instant, defaultIssuer: string, hashOf: HashOf): Account {
  return { ...revocationAccount(command, defaultIssuer, hashOf), time: at }
}

/** A scope was ended. The actor is who asked for it; the signal or command behind it stays in the data as its cause. */
export function revocationDecided(record: RevocationRecord, hashOf: HashOf): Account {
  return { ...revocationAccount(record, '', hashOf), time: readInstant(record.decidedAt) }
}

type Ended = RevocationCommand | RevocationRecord

function revocationAccount(ended: Ended, defaultIssuer: string, hashOf: HashOf): Omit<Account, 'time'> {
  const { scope, except = [], initiator, reason, cause, id } = ended
  const shown = scope.kind === 'session' ? { kind: scope.kind, sessionHash: hashOf(scope.id) } : scope
  return {
    actor: initiator, revocationId: id, reason: reason && reasonText(reason),
    subject: scope.kind === 'subject' ? { issuer: scope.issuer ?? defaultIssuer, sub: scope.sub } : undefined,
    sessionHash: scope.kind === 'session' ? hashOf(scope.id) : undefined,
    plainSessionIds: [...(scope.kind === 'session' ? [scope.id] : []), ...except],
    searchable: [...namesIn(scope), cause?.id, cause?.source],
    data: { ...ended, scope: shown, except: undefined, ...(except.length === 0 ? {} : { spared: except.length, sparedHashes: except.slice(0, sparedShown).map(hashOf) }) },
  }
}

/** A list may spare ten thousand sessions; the trail names some and counts all. */
const sparedShown = 100

/** What a scope names, kind and instants aside; a session's plain id is no name to search by. */
const namesIn = (scope: RequestedScope): string[] =>
  Object.entries(scope).flatMap(([member, name]) => (typeof name === 'string' && member !== 'kind' && member !== 'issuedBefore' && scope.kind !== 'session' ? [name] : []))

/** Someone asked that an agent be held or released. */
export function quarantineRequested(command: z.infer<typeof quarantineCommand>, at: Instant): Account {
  return { time: at, actor: command.initiator, reason: command.reason && reasonText(command.reason), searchable: [command.agentId, quarantineWord(command)], data: command }
}

/** An agent was held or released; the record carries no instant of its own. */
export function quarantineChanged(record: QuarantineRecord, at: Instant): Account {
  return { time: at, actor: record.initiator, reason: reasonText(record.reason), searchable: [record.agentId, quarantineWord(record)], data: record }
}

const quarantineWord = ({ quarantined }: { readonly quarantined: boolean }): string => (quarantined ? 'quarantined' : 'released')

const reasonText = ({ code, text }: Reason): string => (text === undefined || text === '' ? code : `${code}: ${text}`)
