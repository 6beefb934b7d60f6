// Ctrl-C, and SIGTERM from a supervisor: the first asks the work to stop at its next safe point, the second ends the
// process at once (which is safe too: every step of a charge is durable before the next begins).
import { BursarError, EXIT } from '../errors.ts';

export interface Interrupt {
  /** Aborts with a BursarError `interrupted`. */
  readonly signal: AbortSignal;
  /** Gives the signals back to Node. */
  release(): void;
}

/** Takes over SIGINT and SIGTERM until released. `note` prints on stderr. */
export function onInterrupt(note: (text: string) => void): Interrupt {
  const controller = new AbortController();
  const listener = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    note('\nStopping at the next safe point; press Ctrl-C again to stop now.\n');
    controller.abort(new BursarError('interrupted', 'Interrupted.'));
  };
  process.on('SIGINT', listener);
  process.on('SIGTERM', listener);
  return {
    signal: controller.signal,
    release: () => {
      process.off('SIGINT', listener);
      process.off('SIGTERM', listener);
    },
  };
}
