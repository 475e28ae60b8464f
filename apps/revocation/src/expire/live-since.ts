import { forgetMarginMs } from '@curfew/denylist'
import { instant, type Instant } from '@curfew/kernel'

/**
 * What is to be forgotten after this instant still belongs to the live denylist (I8). The primary's clock alone decides here: it is the
 * clock that set forget-after, and the margin is the one by which gateways keep entries that are already past.
 */
export const liveSince = (primaryNow: Instant): Instant => instant(primaryNow - forgetMarginMs)
