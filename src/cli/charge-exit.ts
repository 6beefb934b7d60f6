// The exit status of commands that move money, by what became of the charge or the attempt.
import { type Attempt, isOpen } from '../charges/attempt.ts';
import type { Charge } from '../charges/charge.ts';
import { type OwnStop, ownStopOf } from '../charges/send.ts';
import { ERROR_EXIT_CODES, EXIT, type ExitCode } from '../errors.ts';

/** For a command that collects. The charge was printed, so whatever was not collected in the end ends with 3. */
export function exitOfCharge({
  status,
  ...failure
}: Pick<Charge, 'status' | 'declineCode' | 'declineClass'>): ExitCode {
  switch (status) {
    case 'captured':
    case 'authorized':
      return EXIT.done;
    case 'unknown':
    case 'settling':
    case 'requires_action':
    case 'processing':
      return EXIT.pending;
    case 'failed':
    case 'exhausted':
      return exitOfFailure(failure) ?? EXIT.declined;
    case 'pending':
      return exitOfFailure(failure) ?? EXIT.pending;
    case 'voided':
    case 'expired':
    case 'cancelled':
      return EXIT.declined;
  }
}

/** For a command that does something to a charge: by its own attempt, whatever the charge's status. */
export function exitOfAttempt(attempt: Attempt): ExitCode {
  if (isOpen(attempt)) return EXIT.pending;
  if (attempt.outcome === 'approved') return EXIT.done;
  return exitOfFailure(attempt) ?? EXIT.declined;
}

type Failure = Pick<Charge, 'declineCode' | 'declineClass'>;

/** Where nobody's money was refused: a safety of ours stopped it, the gateway was not reached or refused our configuration. */
function exitOfFailure({ declineCode, declineClass }: Failure): ExitCode | null {
  const stop = stopOf({ declineCode, declineClass });
  if (stop !== null) return ERROR_EXIT_CODES[stop];
  return declineClass === 'transport' || declineClass === 'ours' ? EXIT.unavailable : null;
}

type Safety = Extract<OwnStop, 'paused' | 'quarantined' | 'clock' | 'state_unwritable'>;

const WHY: Record<Safety, string> = {
  paused: 'sending was paused meanwhile (see: bursar doctor)',
  quarantined: 'the book is in quarantine (see: bursar doctor)',
  clock: "the clock of this machine can't be right (see: bursar doctor)",
  state_unwritable: "what is sent can't be remembered in the state directory (see: bursar doctor)",
};

function stopOf({ declineCode, declineClass }: Failure): Safety | null {
  const stop = declineClass === 'ours' ? ownStopOf(declineCode) : null;
  return stop !== null && stop in WHY ? (stop as Safety) : null;
}

/** What a person is told where the send was stopped right before the socket: what was not done, and why. Or empty. */
export function stoppedNote(failure: Failure, next: string): string {
  const stop = stopOf(failure);
  return stop === null ? '' : `Nothing was sent, no money was moved: ${WHY[stop]}. When that is over: ${next}\n`;
}
