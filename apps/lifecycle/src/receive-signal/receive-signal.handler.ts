import { encodeEvent, eventKey } from '@curfew/bus'
import { events, Fault, type RevocationCommand } from '@curfew/contracts'
import type { TenantId } from '@curfew/kernel'
import { Database, type Tx } from '@curfew/persistence'
import { currentTraceparent, ServiceSettings } from '@curfew/service-kit'
import { Injectable } from '@nestjs/common'
import { SignalStore } from '../store/signals.store.js'
import { receiveSignal, refusalOf, type IncomingSignal, type RefusedSignal, type SignalDecision } from './receive-signal.js'

/** What became of one signal: `id` is the one under which it can be read. */
export interface SignalReceipt {
  readonly id: string
  readonly state: 'applied' | 'ignored' | 'duplicate'
}

export interface Submission {
  readonly tenant: TenantId
  readonly signals: readonly IncomingSignal[]
  /** True where the signals came in by a door of ours: they then also go to the lifecycle topic, for whoever reads signals there. */
  readonly announce: boolean
  /** The request's idempotency key: a repeat is answered as the first request was, and the key with another request is refused. */
  readonly repeatable?: { readonly client: string; readonly key: string; readonly requestHash: string }
}

const ourSource = 'urn:curfew:lifecycle'

/**
 * Takes signals in, by whichever door they came: keeps each one, decides what it ends and asks for those revocations, all in one commit. A
 * submission is taken whole or not at all. A signal that was taken before is a `duplicate` and has no second effect.
 */
@Injectable()
export class ReceiveSignalHandler {
  constructor(private readonly database: Database, private readonly signals: SignalStore, private readonly settings: ServiceSettings) {}

  async handle(submission: Submission): Promise<SignalReceipt[]> {
    if (!this.settings.tenants.includes(submission.tenant)) throw new Fault('tenant.unknown', { detail: `tenant ${submission.tenant} is not configured here` })
    return this.database.transact(submission.tenant, (tx) => this.take(tx, submission))
  }

  private async take(tx: Tx, submission: Submission): Promise<SignalReceipt[]> {
    const refused: RefusedSignal[] = []
    const decided = submission.signals.flatMap((incoming, at) => this.decide(tx, incoming, at, refused))
    const receipts: SignalReceipt[] = []
    // In the order of their ids, so that two submissions that share signals wait for each other and never in a circle.
    for (const each of [...decided].sort((a, b) => (a.signal.id < b.signal.id ? -1 : 1))) {
      await this.keep(tx, each, submission).then((receipt) => (receipts[each.at] = receipt), collectFault(refused, each.at))
    }
    if (refused.length > 0) throw refusalOf(refused, submission.signals.length)
    return answered(tx, submission, receipts)
  }

  private decide(tx: Tx, incoming: IncomingSignal, at: number, refused: RefusedSignal[]): DecidedSignal[] {
    try {
      return [{ at, incoming, ...receiveSignal(incoming, this.settings.issuer, tx.now, this.settings.clockSkewMs) }]
    } catch (error) {
      collectFault(refused, at)(error)
      return []
    }
  }

  private async keep(tx: Tx, { signal, commands, incoming }: DecidedSignal, { announce }: Submission): Promise<SignalReceipt> {
    if (!(await this.signals.keep(tx, signal))) return this.repeated(tx, signal)
    if (announce) await tx.outbox(announcement(incoming, signal))
    for (const command of commands) await tx.outbox(request(signal.tenant, command))
    return { id: signal.id, state: signal.state }
  }

  private async repeated(tx: Tx, { tenant, id, contentHash, signalId }: SignalDecision['signal']): Promise<SignalReceipt> {
    if ((await this.signals.contentHashOf(tx, tenant, id)) === contentHash) return { id, state: 'duplicate' }
    throw new Fault('signal.mismatch', { detail: `signal ${signalId} was received before with another content; that one stands` })
  }
}

/** The states of the first answer are what its key reserves. A signal never taken under this key would be refused with the key, hence rolled back. */
async function answered(tx: Tx, { repeatable }: Submission, receipts: readonly SignalReceipt[]): Promise<SignalReceipt[]> {
  if (repeatable === undefined) return [...receipts]
  const states = receipts.map(({ state }) => state).join(' ')
  const { id: first } = await tx.reserve({ ...repeatable, route: 'POST /v1/lifecycle-signals', id: states })
  return first.split(' ').map((state, at) => ({ id: receipts[at]!.id, state: state as SignalReceipt['state'] }))
}

interface DecidedSignal extends SignalDecision {
  readonly at: number
  readonly incoming: IncomingSignal
}

/** Refusals are gathered, so that a batch answers all of them at once; a dependency that fails ends the attempt there and then. */
const collectFault = (refused: RefusedSignal[], at: number) => (error: unknown): void => {
  if (!(error instanceof Fault) || error.onConsume !== 'park') throw error
  refused.push({ at, fault: error })
}

/** The signal under its own source and id: our consumer meets it again and knows it for a duplicate. */
const announcement = ({ data, kind, source, signalId }: IncomingSignal, { tenant, subject }: SignalDecision['signal']) =>
  encodeEvent(events.signal, eventKey(tenant, subject.issuer, subject.sub), { id: signalId, source, tenant, traceparent: currentTraceparent() }, data, `curfew.lifecycle.${kind}`)

const request = (tenant: TenantId, command: RevocationCommand) =>
  encodeEvent(events.revocationRequested, eventKey(tenant, ...namesOf(command)), { id: command.id, source: ourSource, tenant, traceparent: currentTraceparent() }, command)

/** The scope's kind and names, the issuer among them since the policy names every one: commands of one scope keep their order. */
const namesOf = ({ scope }: RevocationCommand): string[] => Object.entries(scope).flatMap(([member, name]) => (member === 'issuedBefore' ? [] : [String(name)]))
