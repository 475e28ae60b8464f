interface Call<Item, Answer> {
  readonly items: readonly Item[]
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/**
 * One write at a time, and what is asked for meanwhile goes together in the next: an idle log writes at once, a busy one shares its commits.
 * Each call is answered for itself. When a joint write fails its calls are written one by one, so that none fails for another's fault.
 */
export class GroupCommit<Item, Answer> {
  private calls: Call<Item, Answer>[] = []
  private writing: Promise<void> | undefined

  constructor(
    private readonly write: (items: readonly Item[]) => Promise<(from: number, to: number) => Answer>,
    private readonly mostItems: number,
    private readonly isLost: (error: unknown) => boolean,
  ) {}

  submit(items: readonly Item[]): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.calls.push({ items, resolve, reject })
      this.writing ??= this.run()
    })
  }

  async idle(): Promise<void> {
    while (this.writing) await this.writing
  }

  private async run(): Promise<void> {
    while (this.calls.length > 0) await this.writeTogether(this.board())
    // In the same turn as the last look: a call that comes later starts anew.
    this.writing = undefined
  }

  private board(): Call<Item, Answer>[] {
    let items = 0
    const count = this.calls.findIndex((call, at) => (items += call.items.length) > this.mostItems && at > 0)
    return this.calls.splice(0, count === -1 ? this.calls.length : count)
  }

  private async writeTogether(calls: readonly Call<Item, Answer>[]): Promise<void> {
    try {
      const answer = await this.write(calls.flatMap(({ items }) => items))
      let from = 0
      for (const { items, resolve } of calls) resolve(answer(from, (from += items.length)))
    } catch (error) {
      if (calls.length === 1 || this.isLost(error)) calls.forEach(({ reject }) => reject(error))
      else for (const call of calls) await this.writeTogether([call])
    }
  }
}
