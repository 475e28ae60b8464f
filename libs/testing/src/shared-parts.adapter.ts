import { randomBytes } from 'node:crypto'
import { knownAddress } from './kept-parts.adapter.js'

/** The shared broker's addresses. Other specs use it at the same time: name topics and groups with `topicPrefix`. */
export const kafkaBrokers = (): string[] => knownAddress('kafka').split(',')

export const redisUrl = (): string => knownAddress('redis')

/** A key prefix no other spec uses; the shared Redis has one key space. */
export const redisPrefix = (): string => `test:${randomBytes(6).toString('hex')}:`

/** Begins with a letter and ends with a dot, so it reads as `t3f9….revocations`. */
export const topicPrefix = (): string => `t${randomBytes(6).toString('hex')}.`
