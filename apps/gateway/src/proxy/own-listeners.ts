import { SERVICES } from '#libs/contracts'
import type { Deployment, HttpSettings } from '#libs/service'
import type { OwnListener } from './address-guard.js'

/** Where the house itself listens, as far as this process knows: its services, NATS, and the gateway's own doors. */
export function ownListeners(
  deployment: Pick<Deployment, 'host' | 'port' | 'natsUrl' | 'urlsOf'>,
  http: Pick<HttpSettings, 'host' | 'port'>,
  address: URL,
): OwnListener[] {
  const services = SERVICES.filter((service) => service !== 'gateway').flatMap((service) => deployment.urlsOf(service))
  const urls = [...services, ...deployment.natsUrl.reveal().split(','), address.href].map((url) => new URL(url))
  return [
    ...urls.map(({ hostname, port, protocol }) => ({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port) || (DEFAULT_PORTS[protocol] ?? 0),
    })),
    { host: http.host ?? '0.0.0.0', port: http.port },
    { host: deployment.host, port: deployment.port },
  ]
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443, 'nats:': 4222, 'tls:': 4222 }
