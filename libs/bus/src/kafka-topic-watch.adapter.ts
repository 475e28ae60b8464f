import type { ConsumeOptions, TopicDescription } from './port.js'

/**
 * kafkajs knows topics by name alone: on one that was deleted and created anew it goes on at the old offset, and what lies below is never read. Ids tell.
 */
export class TopicWatch {
  private readonly ids = new Map<string, string>()
  private looking: Promise<string | undefined> | undefined

  constructor(private readonly options: Pick<ConsumeOptions, 'topics'> & { readonly describe: (topic: string) => Promise<TopicDescription> }) {}

  /** The first topic that is another than when it was first looked at. One that cannot be looked at now is looked at next time. */
  madeAnew(): Promise<string | undefined> {
    this.looking ??= this.look().finally(() => { this.looking = undefined })
    return this.looking
  }

  private async look(): Promise<string | undefined> {
    for (const topic of this.options.topics) {
      const id = await this.options.describe(topic).then(({ topicId }) => topicId, () => undefined)
      if (id === undefined) continue
      const known = this.ids.get(topic) ?? id
      if (known !== id) return topic
      this.ids.set(topic, id)
    }
    return undefined
  }
}
