// The bank's file under several processes, and under one that is killed.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { openBank } from '../../src/gateways/simulated/bank-desk.ts';

const CLIENT = fileURLToPath(new URL('bank-client.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bank-processes-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Client {
  child: ChildProcess;
  /** `approved ch_…` for each charge that the bank answered. */
  answers: string[];
  closed: Promise<unknown>;
}

function startClient(path: string, name: string, charges: number, shared: number, onAnswer?: () => void): Client {
  const args = ['--import', 'tsx', CLIENT, path, name, String(charges), String(shared), '8'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const answers: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    answers.push(line);
    onAnswer?.();
  });
  return { child, answers, closed: once(child, 'close') };
}

async function executedCharges(path: string): Promise<string[]> {
  const bank = await openBank({ path, clock: systemClock });
  const charges: string[] = [];
  for await (const page of bank.listing()) charges.push(...page.map(({ chargeId }) => chargeId));
  await bank.close();
  return charges;
}

describe('the bank file', () => {
  it('holds what it answered when the process is killed', { timeout: 60_000 }, async () => {
    const path = join(folder, 'killed.bank.db');
    for (const round of ['first', 'second', 'third']) {
      const client: Client = startClient(path, round, 1_000_000, 0, () => {
        if (client.answers.length === 300) client.child.kill('SIGKILL');
      });
      await client.closed;
      expect(client.child.signalCode).toBe('SIGKILL');
      const answered = client.answers.map((line) => line.replace('approved ', ''));
      const executed = await executedCharges(path);
      expect(new Set(executed).size).toBe(executed.length);
      expect(answered.filter((chargeId) => !executed.includes(chargeId))).toEqual([]);
    }
  });

  it('takes four processes at once, each charge executed once', { timeout: 60_000 }, async () => {
    const path = join(folder, 'shared.bank.db');
    const [charges, shared] = [200, 100];
    const clients = ['a', 'b', 'c', 'd'].map((name) => startClient(path, name, charges, shared));
    await Promise.all(clients.map(({ closed }) => closed));
    for (const { child, answers } of clients) {
      expect(child.exitCode).toBe(0);
      expect(answers.filter((line) => line.startsWith('approved '))).toHaveLength(charges);
    }
    const executed = await executedCharges(path);
    expect(executed).toHaveLength(shared + 4 * (charges - shared));
    expect(new Set(executed).size).toBe(executed.length);
  });
});
