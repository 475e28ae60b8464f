export interface Addresses {
  readonly controlPlane: string
  readonly gateway: string
  readonly gatewayAdmin: string
  readonly credentialsFile: string
  readonly dataDir: string
}

/**
 * What a newcomer sees once everything is ready: where it is, where the credentials are, and commands that work by copy and paste.
 * It never shows a secret (I12).
 */
export function banner({ controlPlane, gateway, gatewayAdmin, credentialsFile, dataDir }: Addresses): string {
  return `
Curfew is ready.

  control plane   ${controlPlane}      API: ${controlPlane}/docs
  gateway         ${gateway}      in front of a demo upstream; health: ${gatewayAdmin}/readyz
  credentials     ${credentialsFile}      the first administrator's, mode 0600
  data            ${dataDir}      kept over restarts; "npm run reset" wipes it

Try it in another terminal, in this directory:

  export TOKEN=$(npx curfew token)
  curl -s -X POST ${controlPlane}/v1/sessions -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
    -d '{"subject":{"sub":"alice"},"clientId":"web"}'

The README's first minute goes on from there. Stop with Ctrl-C.
`
}
