// Whether the configuration can be worked with, whether the book names what it has not, and who may change its files.
import { stat } from 'node:fs/promises';
import { Findings } from '../../audit/finding.ts';
import { resolveBookUrl } from '../../config/load.ts';
import { BursarError, EXIT, type ExitCode } from '../../errors.ts';
import { BUILT_IN_POLICIES } from '../../retries/policy.ts';
import { checkConfig } from '../check-config.ts';
import type { Diagnosis, Patient, Surroundings } from '../diagnosis.ts';
import { gatewaysNotAmong, policiesNotAmong } from '../schedule-findings-store.ts';
import { shellWord } from '../shell-word.ts';

const CHECK = 'bursar config check';

export async function configuration({ db, surroundings }: Patient): Promise<Diagnosis> {
  if (surroundings === undefined) return { checked: {}, findings: [], exitCode: EXIT.done, summary: 'not known here' };
  const { loaded, gateways, env, cwd, where } = surroundings;
  const findings = new Findings();
  const { books, ...check } = await checkConfig(loaded, { ...gateways }, { cwd, env });
  for (const { code, subject, message, command: hint } of check.findings) {
    // Another book's fault is worth knowing, and none of this one.
    const isOther = subject.startsWith('books.') && !isThis(surroundings, subject.slice('books.'.length));
    const told = `${subject}: ${message}${hint === null || hint.includes('bursar ') ? '' : ` ${hint}`}`;
    findings.add(code, subject, told, CHECK, isOther ? 'warning' : 'error');
  }
  for (const { name, methods, schedules, charges } of await gatewaysNotAmong(db, Object.keys(gateways))) {
    const isUsed = schedules + charges > 0;
    const users = [of(methods, 'payment method'), of(schedules, 'active schedule'), of(charges, 'open charge')].join(
      ', ',
    );
    const message = `No gateway "${name}" is configured any more, while the book has ${users} that name it${isUsed ? ': nothing can be sent for them' : ''}.`;
    findings.add('gateway_missing', name, message, CHECK, isUsed ? 'error' : 'warning');
  }
  const policies = [...Object.keys(BUILT_IN_POLICIES), ...Object.keys(loaded.config.policies ?? {})];
  for (const { name, schedules, charges } of await policiesNotAmong(db, policies)) {
    const message = `No policy "${name}" is configured any more, while the book has ${of(schedules, 'schedule')} and ${of(charges, 'uncollected charge')} that name it: they can't be collected.`;
    findings.add('policy_missing', name, message, CHECK);
  }
  await checkMode(findings, loaded.path, 0o022, 'config_writable', 'can be changed by others', 'go-w');
  await checkMode(findings, where, 0o077, 'book_readable', 'can be read or changed by others', 'go=');
  const listed = findings.list();
  const exitCode: ExitCode = listed.some(({ severity }) => severity === 'error') ? EXIT.unavailable : EXIT.done;
  const checked = { configuredBooks: books.length, configuredGateways: Object.keys(gateways).length };
  return { checked, findings: listed, exitCode, summary: loaded.path ?? 'none; what holds without one' };
}

const of = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

function isThis({ loaded, where, env, cwd }: Surroundings, name: string): boolean {
  try {
    return resolveBookUrl(loaded, { flag: name, cwd, env }) === where;
  } catch (error) {
    if (error instanceof BursarError) return false;
    throw error;
  }
}

/** Windows has no such modes; a file that can't be looked at is told by whoever needs it. */
async function checkMode(
  findings: Findings,
  path: string | null,
  forbidden: number,
  code: string,
  what: string,
  change: string,
): Promise<void> {
  if (path === null || process.platform === 'win32') return;
  const mode = (await stat(path).catch(() => null))?.mode ?? 0;
  if ((mode & forbidden) === 0) return;
  const message = `${path} ${what} (mode ${(mode & 0o777).toString(8)}).`;
  findings.add(code, path, message, `chmod ${change} ${shellWord(path)}`, 'warning');
}
