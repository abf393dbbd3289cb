export interface DemoSettings {
  readonly address: string
  readonly publicPort: number
  readonly oidcPort: number
  readonly contentPort: number
  /** Absolute path. */
  readonly oidcSecretFile: string
  /** Base64 of 32 bytes. */
  readonly bootstrapSecretKey: string
  /** Further lines, as `Section.Name=value`. */
  readonly set: readonly string[]
}

/** The settings file of the demo world, in which everything is on this machine. */
export function demoSettings({
  address,
  publicPort,
  oidcPort,
  contentPort,
  oidcSecretFile,
  bootstrapSecretKey,
  set,
}: DemoSettings): string {
  const more = set.map((line) => {
    const [, section, name, value] = /^(\w+)\.(\w+)=(.*)$/.exec(line) ?? []
    return `\n[${section}]\n${name} = ${value}\n`
  })
  return `; Settings of the demo, written anew at each start. To change them, copy this file and start with --config COPY.

[Server]
Address = ${address}

[HTTP]
; The demo's people need no password, so nobody but this machine may reach it.
Listen = 127.0.0.1:${publicPort}

[Development]
Loopback = true

[Authentication]
Provider = oauth2

[OAuth2]
ClientId = keybearer
ClientSecretFile = ${JSON.stringify(oidcSecretFile)}
OpenIDConnectIssuer = "http://localhost:${oidcPort}"
GroupsAutoProvision = true

[Bootstrap]
SecretKey = ${bootstrapSecretKey}

[Content]
Upstream = 127.0.0.1:${contentPort}
${more.join('')}`
}
