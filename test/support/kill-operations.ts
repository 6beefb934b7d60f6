// Every operation of the CLI that writes to a book, drawn at random over what stands in the book at that moment. A new
// operation joins the random kills by one more line in OPERATIONS.
import { join } from 'node:path';
import type { BillingBook } from './billing-book.ts';
import { rowsOf } from './rows.ts';

/** One book under random kills. */
export interface KillWorld {
  book: BillingBook;
  random: () => number;
  /** How many periods of each schedule were billed so far. */
  days: number;
  /** Payments that were entered under an idempotency key, as they were typed. */
  keyed: { key: string; args: readonly string[] }[];
  /** Files that some export was to write. */
  exports: string[];
  /** Files that some backup was to write. */
  backups: string[];
  count: number;
}

/** The words of the command, or `null` where the book has nothing that it could be done to. */
type Draw = (world: KillWorld) => Promise<readonly string[] | null> | readonly string[] | null;

export const EXPORT_FOLDER = 'exports';

/** `weight`: how often it comes, against the others. */
export const OPERATIONS: Readonly<Record<string, { weight: number; draw: Draw }>> = {
  'billing run': { weight: 4, draw: (world) => ['billing', 'run', '--as-of', anotherDay(world)] },
  'retries run': { weight: 2, draw: ({ book, days }) => ['retries', 'run', '--as-of', book.dueAfter(days)] },
  sale: { weight: 4, draw: (world) => create(world, []) },
  authorize: { weight: 5, draw: (world) => create(world, ['--authorize']) },
  capture: { weight: 2, draw: (world) => onCharge(world, ['charges', 'capture'], AUTHORIZED) },
  'capture in part': {
    weight: 2,
    draw: (world) => onCharge(world, ['charges', 'capture'], AUTHORIZED, { part: true }),
  },
  void: { weight: 2, draw: (world) => onCharge(world, ['charges', 'void'], AUTHORIZED) },
  refund: { weight: 2, draw: (world) => onCharge(world, ['charges', 'refund'], REFUNDABLE) },
  'refund in part': { weight: 2, draw: (world) => onCharge(world, ['charges', 'refund'], REFUNDABLE, { part: true }) },
  replay: { weight: 2, draw: (world) => onCharge(world, ['charges', 'replay'], EXHAUSTED, { reason: true }) },
  cancel: { weight: 2, draw: (world) => onCharge(world, ['charges', 'cancel'], CANCELLABLE, { reason: true }) },
  'audit export': { weight: 2, draw: exportAudit },
  'db backup': { weight: 2, draw: backUp },
  'audit seal': { weight: 1, draw: () => ['audit', 'seal'] },
  'ledger check': { weight: 1, draw: () => ['ledger', 'check'] },
  pause: { weight: 1, draw: () => ['pause', '--reason', 'an incident'] },
  resume: { weight: 1, draw: () => ['resume', '--reason', 'it is over'] },
};

function backUp(world: KillWorld): readonly string[] {
  world.count += 1;
  const file = join(EXPORT_FOLDER, `backup-${world.count}.db`);
  world.backups.push(file);
  return ['db', 'backup', '--out', file];
}

export function pick<T>(items: readonly T[], random: () => number): T | undefined {
  return items[Math.floor(random() * items.length)];
}

/** An operation and its command line, with --json. */
export async function drawOperation(world: KillWorld): Promise<{ name: string; args: readonly string[] }> {
  const all = Object.entries(OPERATIONS).flatMap(([name, { weight }]) => Array.from({ length: weight }, () => name));
  for (;;) {
    const name = pick(all, world.random) ?? '';
    const args = await OPERATIONS[name]?.draw(world);
    if (args != null) return { name, args: [...args, '--json'] };
  }
}

/** The command of an operation that must be there, for measuring how long it takes. */
export async function commandOf(name: string, world: KillWorld): Promise<readonly string[] | null> {
  const args = await OPERATIONS[name]?.draw(world);
  return args == null ? null : [...args, '--json'];
}

const AUTHORIZED = `SELECT id, authorized_minor AS left_minor FROM charges WHERE status = 'authorized'`;
const REFUNDABLE = `SELECT id, captured_minor - refunded_minor - refund_reserved_minor AS left_minor FROM charges
                     WHERE captured_minor > refunded_minor + refund_reserved_minor`;
const EXHAUSTED = `SELECT id, amount_minor AS left_minor FROM charges WHERE status = 'exhausted'`;
const CANCELLABLE = `SELECT id, amount_minor AS left_minor FROM charges
                      WHERE status IN ('pending', 'failed', 'requires_action')`;

async function onCharge(
  { book, random }: KillWorld,
  words: readonly string[],
  charges: string,
  { part = false, reason = false } = {},
): Promise<readonly string[] | null> {
  const charge = pick(await rowsOf<{ id: string; left_minor: number }>(book.path, `${charges} ORDER BY id`), random);
  if (charge === undefined) return null;
  const amount = part ? ['--amount', (Math.max(1, Math.floor(random() * charge.left_minor)) / 100).toFixed(2)] : [];
  return [...words, charge.id, ...amount, ...(reason ? ['--reason', 'asked for'] : [])];
}

/** Most often the schedules have a period more that is due, otherwise the run meets what others have left. */
function anotherDay(world: KillWorld): string {
  if (world.random() < 0.7) world.days += 1;
  return world.book.dueAfter(world.days);
}

/** A new payment, half of them under a key; and now and then one that an operator types again. */
function create(world: KillWorld, more: readonly string[]): readonly string[] | null {
  const { book, random, keyed } = world;
  const again = random() < 0.25 ? keyed.at(-1) : undefined;
  if (again !== undefined) return again.args;
  const method = pick(book.methods, random);
  if (method === undefined) return null;
  world.count += 1;
  const amount = (1 + Math.floor(random() * 90_000) / 100).toFixed(2);
  const policy = random() < 0.5 ? ['--policy', 'standard'] : [];
  const args = ['charges', 'create', '--customer', book.customerId, '--method', method.id, '--amount', amount];
  args.push('--currency', 'USD', ...policy, ...more);
  if (random() < 0.5) return args;
  const key = `order-${world.count}`;
  keyed.push({ key, args: [...args, '--idempotency-key', key] });
  return keyed.at(-1)?.args ?? null;
}

function exportAudit(world: KillWorld): readonly string[] {
  world.count += 1;
  const file = join(EXPORT_FOLDER, `log-${world.count}.csv`);
  world.exports.push(file);
  return ['audit', 'export', '--out', file];
}
