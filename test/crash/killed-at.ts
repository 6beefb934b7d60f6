// A process that does one thing to a book, through the app as a command would, and is killed (SIGKILL) at a named point
// of it. It is watched from outside: through the driver's statements, the gateway's calls, and the timers.
//   killed-at.ts '{"folder": …, "point": "settle:before", "work": {"do": "refund", "chargeId": …}}'
import sqlite3 from 'sqlite3';
import { openApp } from '../../src/app.ts';
import { executeRun } from '../../src/billing/execute-run.ts';
import { cancelCharge } from '../../src/charges/cancel.ts';
import type { ChargesContext } from '../../src/charges/context.ts';
import { captureCharge, createCharge, refundCharge, voidCharge } from '../../src/charges/operations.ts';
import { Pipeline } from '../../src/charges/pipeline.ts';
import { resolveOpenAttempts } from '../../src/charges/recovery.ts';
import type { Gateway } from '../../src/gateways/gateway.ts';
import { LEASE_MS } from '../../src/storage/lease.ts';

export type Work =
  | { do: 'sale' | 'authorize'; customerId: string; methodId: string }
  | { do: 'capture' | 'void' | 'refund' | 'cancel'; chargeId: string }
  | { do: 'recover' }
  | { do: 'run'; asOf: string };

interface Task {
  folder: string;
  /** What happens at that moment: `before`, `half` (in the middle of it) or `after`; with `@n`, the n-th time. */
  point: string;
  works: Work[];
}

const { folder, point: asked, works }: Task = JSON.parse(process.argv[2] ?? '');
const [point = '', time = '1'] = asked.split('@');
let timesLeft = Number(time);
const bookPath = `${folder}/book.db`;

function reach(reached: string): void {
  if (reached !== point) return;
  timesLeft -= 1;
  if (timesLeft === 0) process.kill(process.pid, 'SIGKILL');
}

/** Which commit of ours this is, by what it has written so far. */
function commitOf(written: string): string | null {
  const names: [string, RegExp][] = [
    ['lease', /INSERT INTO owners/],
    ['open', /INSERT INTO attempts/],
    ['seal', /INSERT INTO seals/],
    ['materialise', /INSERT INTO charges/],
    ['resend', /\.resend/],
    ['leave', /charge\.cancel.*closing/s],
    ['cancel', /charge\.cancel.*cancelled/s],
    // Whoever takes an attempt over raises its epoch; an orphan is settled as unknown in the same commit.
    ['takeover', /UPDATE attempts SET [^\n]*\bepoch = /],
    ['settle', /UPDATE attempts SET .*\.settle\b/s],
  ];
  return names.find(([, pattern]) => pattern.test(written))?.[0] ?? null;
}

let written = '';
/** A renewal is one that falls into the sends: then everything has been opened. */
let isSending = false;

function watchStatement(sql: string, bindings: unknown): () => void {
  if (sql.startsWith('BEGIN')) written = '';
  const name = (): string | null => {
    const commit = commitOf(written);
    return commit === 'lease' && isSending ? 'renewal' : commit;
  };
  if (sql.startsWith('COMMIT')) {
    const commit = name();
    reach(`${commit}:before`);
    return () => reach(`${commit}:after`);
  }
  if (/^(INSERT|UPDATE|DELETE)/.test(sql)) written += `${sql}${JSON.stringify(bindings)}\n`;
  return () => reach(`${name()}:half`);
}

type Call = (sql: string, ...rest: unknown[]) => unknown;
const driver = sqlite3.Database.prototype as unknown as Record<'all' | 'run', Call>;
for (const method of ['all', 'run'] as const) {
  const call = driver[method];
  driver[method] = function (this: { filename: string }, sql, ...rest) {
    const done = rest.at(-1);
    if (this.filename !== bookPath || typeof done !== 'function') return call.call(this, sql, ...rest);
    const after = watchStatement(sql, rest[0]);
    return call.call(this, sql, ...rest.slice(0, -1), function (this: unknown, ...answer: unknown[]) {
      after();
      return done.apply(this, answer);
    });
  };
}

// A lease that is renewed all the time, so that a renewal falls into the send.
const every = globalThis.setInterval;
globalThis.setInterval = ((work: () => void, ms: number) =>
  every(work, ms === LEASE_MS / 3 && point.startsWith('renewal') ? 5 : ms)) as typeof setInterval;

function watched(gateway: Gateway): Gateway {
  return {
    ...gateway,
    send: async (request, signal) => {
      isSending = true;
      reach('send:before');
      const outcome = await gateway.send(request, signal);
      reach('send:after');
      return outcome;
    },
    cancel: async (request, signal) => {
      const closed = await gateway.cancel(request, signal);
      reach('close:after');
      return closed;
    },
  };
}

const app = await openApp({ command: 'test', env: process.env, cwd: folder });
const context: ChargesContext = { ...app.charges, gateway: async (name) => watched(await app.gateway(name)) };
const pipeline = new Pipeline(context);

async function work(one: Work): Promise<void> {
  switch (one.do) {
    case 'sale':
    case 'authorize':
      await createCharge(pipeline, {
        customerId: one.customerId,
        methodId: one.methodId,
        gateway: 'simulated',
        amountMinor: 1250n,
        currency: 'USD',
        intent: one.do,
        policy: 'none',
        description: null,
        metadata: {},
        idempotencyKey: null,
      });
      return;
    case 'capture':
      await captureCharge(pipeline, one.chargeId, null);
      return;
    case 'void':
      await voidCharge(pipeline, one.chargeId);
      return;
    case 'refund':
      await refundCharge(pipeline, one.chargeId, { amountMinor: 450n, reason: null, idempotencyKey: null });
      return;
    case 'cancel':
      await cancelCharge(pipeline, one.chargeId, null);
      return;
    case 'recover':
      await resolveOpenAttempts(pipeline);
      return;
    case 'run':
      await executeRun(pipeline, {
        kind: 'billing',
        asOfMs: Date.parse(one.asOf),
        catchUp: { mode: 'all' },
        limits: { maxCount: null, maxAmount: new Map() },
        concurrency: 8,
        signal: new AbortController().signal,
        approve: async () => undefined,
        onStart: async () => undefined,
        onProgress: () => undefined,
      });
  }
}

await Promise.all(works.map(work));
await app.close();
