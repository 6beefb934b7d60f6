// The exit status of commands that move money, by what became of the charge or the attempt.
import { type Attempt, isOpen } from '../charges/attempt.ts';
import type { Charge } from '../charges/charge.ts';
import { EXIT, type ExitCode } from '../errors.ts';

/** For a command that collects. The charge was printed, so whatever was not collected in the end ends with 3. */
export function exitOfCharge({ status, declineClass }: Pick<Charge, 'status' | 'declineClass'>): ExitCode {
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
      return isOutOfReach(declineClass) ? EXIT.unavailable : EXIT.declined;
    case 'pending':
      return isOutOfReach(declineClass) ? EXIT.unavailable : EXIT.pending;
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
  return isOutOfReach(attempt.declineClass) ? EXIT.unavailable : EXIT.declined;
}

/** Nobody's money was refused: the gateway was not reached, or refused our configuration. */
function isOutOfReach(declineClass: Charge['declineClass']): boolean {
  return declineClass === 'transport' || declineClass === 'ours';
}
