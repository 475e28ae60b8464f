/** Uses before a text is worth a name: as many as PostgreSQL itself plans anew before it considers a generic plan. */
const usesBeforeNaming = 5
/** Texts remembered. Statements written out in the stores are far fewer; what is composed at run time beyond that stays unnamed. */
const mostTexts = 500

/** Gives statements that come again and again a name, so that a connection parses and plans them once. */
export class PreparedStatements {
  private readonly uses = new Map<string, number>()
  private readonly names = new Map<string, string>()

  /** Undefined for a text that is new, or one too many: it is sent without a name, which is slower and never wrong. */
  nameOf(sql: string): string | undefined {
    const name = this.names.get(sql)
    if (name !== undefined) return name
    const uses = (this.uses.get(sql) ?? 0) + 1
    if (uses === 1 && this.uses.size >= mostTexts) return undefined
    this.uses.set(sql, uses)
    if (uses <= usesBeforeNaming) return undefined
    const given = `s${this.names.size + 1}`
    this.names.set(sql, given)
    return given
  }
}
