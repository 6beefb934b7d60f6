// What must hold at the moment a request leaves: the book holds the attempt, durably, as this process's own, with this very
// key and body; its lease runs, its key is young enough, nobody has paused the gateway, and the book
// is not one that knows less than was sent.
import type { GatewayRequest } from '../../src/gateways/gateway.ts';
import type { Bank } from './banks.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

interface AttemptRow {
  idempotency_key: string;
  body: string;
  outcome: string | null;
  sends: number;
  unproven_sends: number;
  first_sent_at: number;
  owner_id: string | null;
  expires_at: number | null;
}

/** Without a published retention, keys are not trusted for longer than half an hour. */
const UNPUBLISHED_WINDOW_MS = 30 * 60_000;

/** False where the book holds no such attempt: a request like that goes nowhere. */
export async function judgeSend(world: World, who: Process, bank: Bank, request: GatewayRequest): Promise<boolean> {
  const { attemptId, operation } = request;
  const subject = `${who.name} sends ${operation} ${attemptId} to ${bank.name}`;
  const say = (what: string): void => {
    world.violations.push(`${subject}: ${what}`);
  };
  const times = world.knowledge.sent(attemptId);
  if (times > 1) world.statistics.count('resent');
  const [row] = await world.rows<AttemptRow>(
    `SELECT a.idempotency_key, a.body, a.outcome, a.sends, a.unproven_sends, a.first_sent_at, a.owner_id, o.expires_at
       FROM attempts a LEFT JOIN owners o ON o.id = a.owner_id WHERE a.id = ?`,
    [attemptId],
  );
  if (row === undefined) {
    say('the book does not hold the attempt');
    return false;
  }
  if (row.idempotency_key !== request.idempotencyKey) say('under another key than the book holds');
  if (row.body !== request.body) say('with another body than the book holds');
  if (row.outcome !== null && row.outcome !== 'unknown') say(`though it is ${row.outcome}`);
  if (row.owner_id !== who.owner.id) say(`though it belongs to ${row.owner_id ?? 'nobody'}`);
  else if (row.expires_at === null || row.expires_at <= world.clock.nowMs())
    say(`though its lease is over (${row.expires_at} at ${world.clock.nowMs()})`);
  if (row.sends < times) say(`for the time number ${times}, of which the book knows ${row.sends}`);
  if (row.unproven_sends < 1) say('without counting the send as unproven');
  const { keyRetentionMs } = bank.gateway.capabilities;
  const ageMs = world.clock.nowMs() - row.first_sent_at;
  if (ageMs > (keyRetentionMs === null ? UNPUBLISHED_WINDOW_MS : keyRetentionMs / 2)) {
    say(`with a key that is ${Math.round(ageMs / 60_000)} minutes old`);
  }
  const pauses = await world.rows(`SELECT scope FROM pauses WHERE scope IN ('*', ?)`, [bank.name]);
  if (pauses.length > 0) say('though it is paused');
  if (world.knowledge.unread.size > 0) say('in quarantine');
  return true;
}
