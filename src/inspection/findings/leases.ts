// Processes that hold open attempts and are gone, or live and have not renewed their lease; and named leases of the dead.
// The next run takes all of it over; what is told here is that it has to.
import { Findings } from '../../audit/finding.ts';
import { EXIT } from '../../errors.ts';
import { LEASE_MS } from '../../storage/lease.ts';
import { mayBeAlive, thisProcess } from '../../storage/process-identity.ts';
import { heldLeases, type OwnerFacts, openGroups, ownersById } from '../attempt-findings-store.ts';
import type { Diagnosis, Patient } from '../diagnosis.ts';

/** A lease is renewed at a third of its time: with less than that left, a renewal has been missed. */
const RENEWED_WITH_MS = LEASE_MS / 3;

export async function leases({ db, nowMs }: Patient): Promise<Diagnosis> {
  const held = new Map<string, number>();
  for (const { ownerId, count } of await openGroups(db)) {
    if (ownerId !== null) held.set(ownerId, (held.get(ownerId) ?? 0) + count);
  }
  const named = await heldLeases(db);
  const owners = await ownersById(db, [...held.keys(), ...named.map(({ ownerId }) => ownerId)]);
  const self = thisProcess();
  const findings = new Findings();
  for (const [id, count] of held) {
    const what = `${count} open ${count === 1 ? 'attempt' : 'attempts'}`;
    const owner = owners.get(id);
    if (owner === undefined) {
      const message = `A process that is not registered any more (${id}) holds ${what}; the next run takes over.`;
      findings.add('lease_dead', id, message, 'bursar billing run', 'warning');
    } else if (!mayBeAlive(owner, self)) {
      const message = `${nameOf(owner)} is gone and holds ${what}; the next run takes over.`;
      findings.add('lease_dead', id, message, 'bursar billing run', 'warning');
    } else if (owner.expiresAt - nowMs < RENEWED_WITH_MS) {
      const isHere = owner.host === self.host && owner.pidNamespace === self.pidNamespace;
      const since = new Date(owner.expiresAt - LEASE_MS).toISOString();
      const message = `${nameOf(owner)} holds ${what} and has not renewed its lease since ${since}: it may be suspended, or cut off from the book.`;
      const command = isHere ? `ps -o pid,stat,etime,args -p ${owner.pid}` : 'bursar billing run';
      findings.add('lease_not_renewed', id, message, command, 'warning');
    }
  }
  for (const { name, ownerId } of named) {
    const owner = owners.get(ownerId);
    if (owner !== undefined && owner.expiresAt > nowMs && mayBeAlive(owner, self)) continue;
    const who = owner === undefined ? 'a process that is not registered any more' : nameOf(owner);
    const message = `The lease "${name}" is held by ${who}, which is gone or has not renewed it; whoever needs it next takes it.`;
    findings.add('lease_abandoned', name, message, 'bursar billing run', 'info');
  }
  const checked = { attemptOwners: held.size, heldLeases: named.length };
  const summary = `${held.size} ${held.size === 1 ? 'process holds' : 'processes hold'} open attempts, ${named.length} named ${named.length === 1 ? 'lease is' : 'leases are'} held`;
  return { checked, findings: findings.list(), exitCode: EXIT.done, summary };
}

function nameOf({ pid, host, command, startedAt }: OwnerFacts): string {
  // Behind the slash is the boot, which tells nobody anything.
  return `Process ${pid} on ${host.split('/')[0]} (${command}, begun ${new Date(startedAt).toISOString()})`;
}
