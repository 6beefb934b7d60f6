// Reads what can still be proved of attempts whose outcome nobody knows, for the views of charges and attempts.
import type { App } from '../app.ts';
import type { Attempt } from '../charges/attempt.ts';
import { BursarError } from '../errors.ts';
import type { Capabilities } from '../gateways/gateway.ts';
import { goneOwners } from '../storage/lease.ts';
import { type ProofView, toProofView } from './views/proof-view.ts';

/** By attempt, for those that are unknown. Only these load a gateway, for what it is able to prove. */
export async function proofViews(app: App, attempts: readonly Attempt[]): Promise<Map<string, ProofView>> {
  const unknown = attempts.filter(({ outcome }) => outcome === null || outcome === 'unknown');
  if (unknown.length === 0) return new Map();
  const nowMs = app.clock.nowMs();
  const owners = [...new Set(unknown.flatMap(({ ownerId }) => ownerId ?? []))];
  const gone = await goneOwners(app.book.reader, owners, nowMs);
  const able = new Map<string, Capabilities | null>();
  for (const name of new Set(unknown.map(({ gateway }) => gateway))) able.set(name, await capabilitiesOf(app, name));
  return new Map(
    unknown.map((attempt) => {
      const isSenderAlive = attempt.ownerId !== null && !gone.has(attempt.ownerId);
      return [attempt.id, toProofView(attempt, able.get(attempt.gateway) ?? null, nowMs, isSenderAlive)];
    }),
  );
}

/** Null for a gateway that is configured no more, or not for this book: it can't be asked. */
async function capabilitiesOf(app: App, name: string): Promise<Capabilities | null> {
  try {
    return (await app.gateway(name)).capabilities;
  } catch (error) {
    if (error instanceof BursarError) return null;
    throw error;
  }
}
