import { ResponseError, type ProduceResult } from '@platformatic/kafka'

/** What a produce call came to, by `topic/partition` as the broker names them. */
export interface BrokerAnswer {
  /** The first offset of each partition that was accepted. */
  readonly offsets: Map<string, bigint>
  readonly errors: Map<string, unknown>
  /** For those that no broker spoke of. */
  readonly error?: unknown
}

export const answered = ({ offsets = [] }: ProduceResult): BrokerAnswer =>
  ({ offsets: new Map(offsets.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset])), errors: new Map(), error: new Error('the broker did not speak of this partition') })

interface ProducedPartition { readonly index: number; readonly errorCode: number; readonly baseOffset: bigint }

/** One partition's refusal fails the whole call; which ones were accepted is in the errors. */
export function refused(error: unknown): BrokerAnswer {
  const { produced, errors } = error as { produced?: ProduceResult; errors?: unknown[] }
  const answer = { ...answered(produced ?? {}), error }
  for (const inner of Array.isArray(errors) ? errors : []) {
    for (const response of responseErrors(inner)) {
      const said = (response as unknown as { response?: { responses?: { name: string; partitionResponses: ProducedPartition[] }[] } }).response?.responses ?? []
      said.forEach(({ name, partitionResponses }, i) => partitionResponses.forEach(({ index, errorCode, baseOffset }, j) => {
        if (errorCode === 0) answer.offsets.set(`${name}/${index}`, baseOffset)
        else answer.errors.set(`${name}/${index}`, errorAt(response, `/responses/${i}/partition_responses/${j}`))
      }))
    }
  }
  return answer
}

const errorAt = (response: ResponseError, path: string): unknown =>
  response.errors.find((one: { path?: string }) => one.path === path) ?? response.errors.find((one: { path?: string }) => one.path?.startsWith(`${path}/`)) ?? response

function responseErrors(error: unknown): ResponseError[] {
  if (error instanceof ResponseError) return [error]
  const { errors } = (error ?? {}) as { errors?: unknown[] }
  return Array.isArray(errors) ? errors.flatMap(responseErrors) : []
}
