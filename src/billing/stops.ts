// Why a run stopped, or went on without some charges: in the words that its summary ends with.
import { BursarError } from '../errors.ts';
import type { StoppedBy } from './run.ts';

export function stoppedByOf({ code }: BursarError): StoppedBy {
  return code === 'paused' || code === 'clock' ? code : 'configuration';
}

export function clockMeanwhile(gateway: string): BursarError {
  return new BursarError(
    'clock',
    `The clock of this machine was found wrong while sending to ${gateway}. What had been sent is settled; nothing was sent there after.`,
    { hint: 'bursar doctor says what is wrong with it. Set it right, then: bursar doctor clock accept --reason "…"' },
  );
}

export function heldBackMeanwhile(code: 'quarantined' | 'state_unwritable'): BursarError {
  const what = code === 'quarantined' ? 'The book went into quarantine' : 'What is sent could be remembered no more';
  return new BursarError(code, `${what} during the run. What had been sent is settled; nothing was sent after.`, {
    hint: 'bursar doctor says why and what to run.',
  });
}

export function pausedMeanwhile(gateway: string): BursarError {
  return new BursarError(
    'paused',
    `Sending to ${gateway} was paused during the run. What had been sent is settled; nothing was sent after.`,
    { hint: 'When the incident is over: bursar resume --reason "…", then run again.' },
  );
}

export function interrupted(): BursarError {
  return new BursarError('interrupted', 'The run was interrupted at a safe point; what was sent is settled.', {
    hint: 'Run it again: it goes on where it stood.',
  });
}

/** Our own configuration refused by the provider: everything after it would meet the same. */
export function refusedOurs(gateway: string, code: string): BursarError {
  return new BursarError(
    'gateway_refused',
    `${gateway} refused our own configuration or request (${code}). The run was stopped; what it was about stays due.`,
    { hint: `Check it with: bursar gateways test ${gateway}` },
  );
}
