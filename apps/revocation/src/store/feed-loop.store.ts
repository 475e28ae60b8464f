import { instant, type Instant } from '@curfew/kernel'
import type { Tx } from '@curfew/persistence'

export class FeedLoopStore {
  /**
   * Takes or keeps the loop for `holdMs`, and writes the primary's clock in the same statement; undefined while another instance has it. A hold that
   * ends further away than any can is from before the clock was set back, and counts for nothing.
   */
  async take(tx: Tx, name: 'watermarks', holder: string, holdMs: number): Promise<Instant | undefined> {
    const [row] = await tx.query<{ at: number }>(`UPDATE feed_loop
      SET at = clock_timestamp(), holder = $2, held_until = clock_timestamp() + $3::float8 * interval '1 millisecond'
      WHERE name = $1 AND (holder = $2 OR held_until < clock_timestamp() OR held_until > clock_timestamp() + $3::float8 * interval '1 millisecond')
      RETURNING floor(extract(epoch FROM at) * 1000)::float8 AS at`, [name, holder, holdMs])
    return row === undefined ? undefined : instant(row.at)
  }

  /** Lets another instance have it at once. */
  async release(tx: Tx, holder: string): Promise<void> {
    await tx.query('UPDATE feed_loop SET held_until = clock_timestamp() WHERE holder = $1', [holder])
  }
}
