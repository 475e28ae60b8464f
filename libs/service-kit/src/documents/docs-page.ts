import type { OpenApiDocument } from '@curfew/contracts'

/** Nothing is loaded from anywhere, so nothing has to be allowed but the page's own style. */
export const docsPolicy = 'default-src \'none\'; style-src \'unsafe-inline\'; base-uri \'none\'; form-action \'none\'; frame-ancestors \'none\''

/** One self-contained page that shows an OpenAPI document to a reader: no script, no font and no address but our own. */
export function docsPage(document: OpenApiDocument): string {
  const { title, description } = document['info'] as { title: string; description: string }
  const operations = Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ ...(operation as Operation), path, method })))
  const sections = [...new Set(operations.map(({ tags }) => tags[0] ?? ''))]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>${style}</style></head>
<body><main><h1>${escaped(title)}</h1><p>${escaped(description)} The machine-readable form is <a href="/openapi.json">/openapi.json</a>; messages are in <a href="/asyncapi.json">/asyncapi.json</a>.</p>
${sections.map((section) => `<section><h2>${escaped(section)}</h2>${operations.filter(({ tags }) => tags[0] === section).map(operationHtml).join('\n')}</section>`).join('\n')}
</main></body></html>
`
}

interface Operation {
  readonly path: string
  readonly method: string
  readonly tags: readonly string[]
  readonly operationId: string
  readonly summary: string
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean; readonly schema: unknown }[]
  readonly requestBody?: { readonly content: Record<string, { readonly schema: unknown }> }
  readonly responses: Record<string, { readonly description?: string; readonly content?: Record<string, { readonly schema: unknown }> }>
  readonly security: readonly { readonly oauth2?: readonly string[] }[]
}

function operationHtml(operation: Operation): string {
  const scope = operation.security.flatMap(({ oauth2 }) => oauth2 ?? []).join(', ')
  const parameters = operation.parameters.map(({ name, in: place, required, schema }) =>
    `<tr><td><code>${escaped(name)}</code></td><td>${escaped(place)}${required ? ', required' : ''}</td><td><code>${escaped(JSON.stringify(schema))}</code></td></tr>`).join('')
  const bodies = Object.entries(operation.requestBody?.content ?? {}).map(([type, { schema }]) => schemaHtml(`takes ${type}`, schema)).join('')
  const answers = Object.entries(operation.responses).filter(([, { description }]) => description !== undefined).map(([status, { description = '', content = {} }]) =>
    Object.entries(content).map(([, { schema }]) => schemaHtml(`${status} ${description}`, schema)).join('') || `<p><b>${escaped(status)}</b> ${escaped(description)}</p>`).join('')
  return `<details id="${escaped(operation.operationId)}"><summary><b class="${escaped(operation.method)}">${escaped(operation.method.toUpperCase())}</b> <code>${escaped(operation.path)}</code> ${escaped(operation.summary)}</summary>
<p>${scope === '' ? 'No credentials.' : `Scope <code>${escaped(scope)}</code>.`}</p>${parameters === '' ? '' : `<table>${parameters}</table>`}${bodies}${answers}</details>`
}

const schemaHtml = (title: string, schema: unknown): string => `<p><b>${escaped(title)}</b></p><pre>${escaped(JSON.stringify(schema, null, 2))}</pre>`

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\'': '&#39;' }
const escaped = (text: string): string => text.replace(/[&<>"']/g, (char) => entities[char] ?? char)

const style = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}main{max-width:64rem;margin:2rem auto;padding:0 1rem}
details{border:1px solid #8886;border-radius:6px;margin:.4rem 0;padding:.4rem .8rem}summary{cursor:pointer}code,pre{font:13px/1.45 ui-monospace,monospace}
pre{overflow:auto;max-height:28rem;padding:.6rem;border:1px solid #8884;border-radius:4px}table{border-collapse:collapse;width:100%}td{border-top:1px solid #8884;padding:.2rem .6rem .2rem 0;vertical-align:top;overflow-wrap:anywhere}
.get{color:#1a7f37}.post{color:#0969da}.put{color:#9a6700}.delete{color:#cf222e}`
