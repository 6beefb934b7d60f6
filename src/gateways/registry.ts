// The gateway of a configuration entry. Each strategy is loaded by the path that needs it: provider SDKs are slow to load.
import type { Clock } from '../clock.ts';
import { BursarError } from '../errors.ts';
import type { Gateway } from './gateway.ts';
import type { SimulatedConfig } from './simulated/terms.ts';

/** `gateways.<name>` of the configuration, as far as gateways go by it. */
export type GatewaySettings = { type: 'simulated' } & SimulatedConfig;

export interface GatewayPorts {
  clock: Clock;
  /** The simulated bank's file beside the book. */
  bankPath: string;
  /** Whether the book is live: play money has no place in it. */
  isLive: boolean;
}

/** Makes the gateway `name`; it connects at its first call. Refuses an unknown type, and a simulated one for a live book. */
export async function createGateway(name: string, settings: GatewaySettings, ports: GatewayPorts): Promise<Gateway> {
  const { type } = settings;
  switch (type) {
    case 'simulated': {
      if (ports.isLive) throw simulatedOnLive(name, 'Nothing was sent.');
      const { createSimulatedGateway } = await import('./simulated/simulated-gateway.ts');
      const options = { name, path: ports.bankPath, clock: ports.clock, config: settings };
      if (settings.url === undefined) return createSimulatedGateway(options);
      const { httpTransport } = await import('./simulated/http-transport.ts');
      return createSimulatedGateway({ ...options, transport: httpTransport(settings.url) });
    }
    default:
      throw new BursarError('unknown_gateway', `Gateway "${name}" has the unknown type "${String(type)}".`, {
        hint: 'Known types: simulated.',
      });
  }
}

/** Refuses (`invalid_value`) a token that this kind of gateway can't have given out, without connecting to it. */
export async function assertToken(
  name: string,
  settings: GatewaySettings,
  token: string,
  isLive: boolean,
): Promise<void> {
  if (settings.type !== 'simulated') return;
  if (isLive) throw simulatedOnLive(name, 'No method was added.');
  const { validateToken } = await import('./simulated/tokens.ts');
  validateToken(token);
}

function simulatedOnLive(name: string, notDone: string): BursarError {
  return new BursarError('gateway_refused', `Gateway "${name}" is simulated, the book is live. ${notDone}`, {
    hint: 'Configure a real gateway for this book, or make a test book.',
  });
}
