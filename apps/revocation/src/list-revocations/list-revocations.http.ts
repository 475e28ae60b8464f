import { revocationFilter, type Revocation, type RevocationFilter } from '@curfew/contracts'
import { Database } from '@curfew/persistence'
import { Access, accepting, Cursors, CurrentCaller, type KnownCaller } from '@curfew/service-kit'
import { Controller, Get, Query } from '@nestjs/common'
import { decidedAtOf } from '../revoke/accepted-revocation.js'
import { present } from '../show-revocation/present.js'
import { RevocationListStore } from '../store/revocation-list.store.js'

@Controller()
export class ListRevocationsHttp {
  constructor(private readonly revocations: RevocationListStore, private readonly database: Database, private readonly cursors: Cursors) {}

  /** Newest decision first. A page goes on after the last row shown, so what is decided meanwhile neither repeats nor hides a row. */
  @Get('v1/revocations')
  @Access('revocations:read')
  async list(
    @Query(accepting(revocationFilter)) { limit, cursor, ...filter }: RevocationFilter, @CurrentCaller() { tenant }: KnownCaller,
  ): Promise<{ items: Revocation[]; nextCursor: string | null }> {
    // A cursor belongs to its filter: the place in one list says nothing about another.
    const name = `revocations ${tenant} ${JSON.stringify([filter.kind, filter.sub, filter.state])}`
    const after = this.cursors.decode(cursor, name)
    const found = await this.database.transact(tenant, (tx) => this.revocations.newest(tx, tenant, filter, after, limit + 1))
    const shown = found.slice(0, limit)
    const last = shown.at(-1)?.record
    const nextCursor = found.length > limit && last !== undefined ? this.cursors.encode([decidedAtOf(last), last.id], name) : null
    return { items: shown.map(present), nextCursor }
  }
}
