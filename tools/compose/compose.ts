import { variables } from '@curfew/contracts'
import { z } from 'zod'

// What of the Compose specification this project uses. Strict, so that a misspelt key is an error here and not a setting that silently does nothing.
const condition = z.strictObject({ condition: z.enum(['service_started', 'service_healthy', 'service_completed_successfully']) })
const duration = z.string().regex(/^\d+(ms|s|m)$/)
const service = z.strictObject({
  image: z.string(), build: z.string().optional(), restart: z.enum(['unless-stopped', 'no']), user: z.string().optional(), read_only: z.boolean().optional(),
  init: z.boolean().optional(), cap_drop: z.array(z.string()).optional(), security_opt: z.array(z.string()).optional(), tmpfs: z.array(z.string()).optional(),
  command: z.array(z.string()).optional(), environment: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  ports: z.array(z.string().regex(/^127\.0\.0\.1:\d+:\d+$/, 'publishes on the loopback address only')).optional(),
  volumes: z.array(z.string()).optional(), depends_on: z.record(z.string(), condition).optional(),
  healthcheck: z.strictObject({ test: z.array(z.string()).min(2), interval: duration, timeout: duration, retries: z.number(), start_period: duration }).optional(),
})
export const composeFile = z.looseObject({ name: z.string(), services: z.record(z.string(), service), volumes: z.record(z.string(), z.strictObject({})) })
export type ComposeFile = z.infer<typeof composeFile>

/** Every program of ours that the file starts: its compose name, the file it runs and what it is given. */
export function programsOf({ services }: ComposeFile): { name: string; file: string; environment: Record<string, string | number> }[] {
  return Object.entries(services).flatMap(([name, { command, build, environment = {} }]) =>
    build === undefined ? [] : [{ name, file: command?.[0] ?? '', environment }])
}

/** What is wrong with the file, one sentence each. `exists` says whether a source of that path is in the tree. */
export function objections(file: ComposeFile, exists: (path: string) => boolean): string[] {
  const { services } = file
  return [
    ...Object.entries(services).flatMap(([name, one]) => objectionsTo(name, one, services)),
    ...programsOf(file).flatMap(({ name, file: program, environment }) => [
      ...(exists(sourceOf(program)) ? [] : [`${name} runs ${program}, which nothing in the tree becomes`]),
      ...Object.keys(environment).filter((variable) => !reads(program, variable)).map((variable) => `${name} is given ${variable}, which it does not read`),
    ]),
    ...Object.entries(services).flatMap(([name, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0] ?? '')
      .filter((volume) => !(volume in file.volumes)).map((volume) => `${name} mounts ${volume}, which is not declared`)),
  ]
}

function objectionsTo(name: string, { image, build, depends_on: needs = {}, healthcheck, restart, user }: z.infer<typeof service>, all: ComposeFile['services']): string[] {
  const isJob = restart === 'no'
  return [
    ...(/:\d+\.\d+/.test(image) ? [] : [`${name} runs ${image}, which pins no version`]),
    ...(healthcheck || isJob ? [] : [`${name} has no health check`]),
    ...(build !== undefined && user !== 'node' ? [`${name} runs as root`] : []),
    ...Object.entries(needs).flatMap(([other, { condition: wanted }]) => {
      const needed = all[other]
      if (!needed) return [`${name} needs ${other}, which is not there`]
      if (wanted === 'service_healthy' && !needed.healthcheck) return [`${name} waits for ${other} to be healthy, which never says so`]
      return wanted === 'service_completed_successfully' && needed.restart !== 'no' ? [`${name} waits for ${other} to end, which restarts`] : []
    }),
  ]
}

/** `apps/session/dist/main.js` is built from `apps/session/src/main.ts`; what is not built is its own source. */
const sourceOf = (program: string): string => program.replace('/dist/', '/src/').replace(/\.js$/, '.ts')

/** Whether the program of this path reads the variable, by the catalogue. */
function reads(program: string, variable: string): boolean {
  const [, app = ''] = program.split('/')
  const known = variables[variable]
  return known !== undefined && known.readBy.includes(app)
}
