export { accessScopes, holdsScope, type AccessScope, type Caller } from './access.js'
export { asyncApiDocument, type AsyncApiDocument } from './asyncapi.js'
export { auditEvent, auditFilter, type AuditEvent, type AuditFilter } from './audit.js'
export { activityObserved, enforcementApplied, subjectChanged } from './enforcement.js'
export { eventCatalogue, events, eventSpec, type EventSpec } from './events.js'
export {
  signal, signalData, signalFilter, signalKindOf, signalKinds, signalStates, signalSubmission, structuredSignal, submittedSignals,
  type Signal, type SignalData, type SignalFilter, type SignalKind, type StructuredSignal,
} from './lifecycle.js'
export { openApiDocument, type OpenApiDocument } from './openapi.js'
export {
  Fault, problemDocument, problems, problemSpec, problemType,
  type FaultDetails, type FieldError, type OnConsume, type ProblemCode, type ProblemDocument,
} from './problems.js'
export {
  cause, decidedScope, denylistSnapshot, feedTerms, gateway, gatewayLease, gatewayRegistration, maxExceptions, publicJwk, quarantineCommand, quarantineRecord, requestedScope,
  revocation, revocationCommand, revocationFilter, revocationRecord, revocationRequest, revocationStates, revocationWait, watermarkRecord,
  type DecidedScope, type Gateway, type GatewayLease, type GatewayRegistration, type PublicJwk, type QuarantineRecord, type RequestedScope, type Revocation,
  type RevocationCommand, type RevocationFilter, type RevocationRecord, type RevocationRequest, type RevocationState, type ScopeKind, type SnapshotDocument, type WatermarkRecord,
} from './revocation.js'
export {
  identifier, initiator, instantText, normalInstant, readInstant, reason, resolvedSubject, subjectRef, tenantText, text, uuid,
  type Initiator, type Reason,
} from './scalars.js'
export {
  client, clientRequest, issuedSession, issuer, issuerRequest, jwks, session, sessionEnded, sessionFilter, sessionKinds, sessionRequest, sessionStarted,
  tokenResponse, type IssuedSession, type Session, type SessionFilter, type SessionRequest,
} from './session.js'
export { parkedTopicOf, revocationsRetentionMs, topicCatalogue, topics, type TopicSpec } from './topics.js'
export { readVariables, variables, type ConfigProblem, type VariableSpec } from './variables.js'
export { routes, type RouteSpec } from './routes.js'
