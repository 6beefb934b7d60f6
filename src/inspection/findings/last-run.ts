// The last run: when it was, how it ended, and what stopped it; and runs that say they are running while their process is
// gone.
import { Findings } from '../../audit/finding.ts';
import type { Run } from '../../billing/run.ts';
import { countRuns, runningOwners, runPage } from '../../billing/runs-store.ts';
import { EXIT } from '../../errors.ts';
import { goneOwners } from '../../storage/lease.ts';
import type { Diagnosis, Patient } from '../diagnosis.ts';

export async function lastRun({ db, nowMs }: Patient): Promise<Diagnosis> {
  const [last] = await runPage(db, 1);
  const running = await runningOwners(db);
  const gone = await goneOwners(
    db,
    running.map(({ ownerId }) => ownerId),
    nowMs,
  );
  const findings = new Findings();
  for (const { id, kind, startedAt, ownerId } of running) {
    const what = `The ${kind} run ${id}, begun ${iso(startedAt)},`;
    if (gone.has(ownerId)) {
      const message = `${what} says that it is running, but its process is gone: it stopped half-way. The next one goes on where it stood.`;
      findings.add('run_gone', id, message, `bursar ${kind} run`, 'warning');
    } else findings.add('run_running', id, `${what} is running.`, `bursar billing show ${id}`, 'info');
  }
  if (last !== undefined && last.status !== 'running') noteEnd(findings, last);
  const summary = last === undefined ? 'none yet' : `the last, a ${last.kind} run, ${endOf(last)}`;
  return { checked: { runs: await countRuns(db) }, findings: findings.list(), exitCode: EXIT.done, summary };
}

function noteEnd(findings: Findings, run: Run): void {
  const { id, kind, status, stoppedBy } = run;
  const what = `The last ${kind} run, ${id}, ${endOf(run)}`;
  if (status === 'stopped') findings.add('run_stopped', id, `${what}.`, `bursar billing show ${id}`, 'warning');
  else if (status === 'interrupted') {
    findings.add(
      'run_interrupted',
      id,
      `${what}. The next one goes on where it stood.`,
      `bursar ${kind} run`,
      'warning',
    );
  } else if (stoppedBy !== null) {
    findings.add('run_held_back', id, `${what}, with some charges held back.`, `bursar billing show ${id}`, 'warning');
  }
}

function endOf({ status, stoppedBy, finishedAt, startedAt }: Run): string {
  if (status === 'running') return `began ${iso(startedAt)}`;
  const by = stoppedBy === null || stoppedBy === status ? '' : ` by ${stoppedBy}`;
  const word = status === 'finished' ? 'ended' : `was ${status}`;
  return `${word}${by} ${iso(finishedAt ?? startedAt)}`;
}

const iso = (timeMs: number): string => new Date(timeMs).toISOString();
