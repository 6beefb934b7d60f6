// What bursar refuses, as one class with a stable code, and the one table that turns a code into an exit status.
// What a gateway says is data (an Outcome), and a bug is a failed assertion: neither is a BursarError.

/** Exit statuses of every command; the same table stands in docs/operations.md. */
export const EXIT = {
  done: 0,
  refused: 1,
  usage: 2,
  declined: 3,
  pending: 4,
  integrity: 5,
  locked: 6,
  unavailable: 7,
  stopped: 8,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Every code that a BursarError may carry, with the exit status that goes with it. */
export const ERROR_EXIT_CODES = {
  // 1: not found, ambiguous, in conflict, refused by the state of things
  not_found: EXIT.refused,
  ambiguous_id: EXIT.refused,
  conflict: EXIT.refused,
  idempotency_conflict: EXIT.refused,
  invalid_state: EXIT.refused,
  method_blocked: EXIT.refused,
  amount_exceeds: EXIT.refused,
  attempt_open: EXIT.refused,
  proof_possible: EXIT.refused,
  // 2: usage
  usage: EXIT.usage,
  unknown_command: EXIT.usage,
  missing_value: EXIT.usage,
  invalid_value: EXIT.usage,
  invalid_id: EXIT.usage,
  invalid_amount: EXIT.usage,
  invalid_currency: EXIT.usage,
  invalid_time: EXIT.usage,
  invalid_timezone: EXIT.usage,
  card_number: EXIT.usage,
  output_exists: EXIT.usage,
  output_unwritable: EXIT.usage,
  confirmation_impossible: EXIT.usage,
  not_confirmed: EXIT.usage,
  // 4: what was done can't be told here
  outcome_unrecorded: EXIT.pending,
  result_unprinted: EXIT.pending,
  // 5: integrity
  corrupt_book: EXIT.integrity,
  corrupt_file: EXIT.integrity,
  integrity: EXIT.integrity,
  // 6: locked
  book_locked: EXIT.locked,
  lease_held: EXIT.locked,
  // 7: configuration and reach
  invalid_config: EXIT.unavailable,
  literal_secret: EXIT.unavailable,
  unknown_gateway: EXIT.unavailable,
  gateway_refused: EXIT.unavailable,
  gateway_unreachable: EXIT.unavailable,
  book_missing: EXIT.unavailable,
  book_newer: EXIT.unavailable,
  book_older: EXIT.unavailable,
  book_unreachable: EXIT.unavailable,
  book_full: EXIT.unavailable,
  commit_unknown: EXIT.unavailable,
  state_unwritable: EXIT.unavailable,
  // 8: stopped by a safety
  safety_limit: EXIT.stopped,
  paused: EXIT.stopped,
  clock: EXIT.stopped,
  quarantined: EXIT.stopped,
  interrupted: EXIT.interrupted,
} as const satisfies Record<string, ExitCode>;

export type ErrorCode = keyof typeof ERROR_EXIT_CODES;

export interface BursarErrorOptions {
  /** What to do next, in one sentence. */
  hint?: string;
  cause?: unknown;
}

/**
 * A refusal. `message` tells what happened and what was not done (`No charge was created.`); `hint` what to do next.
 * Callers match on `code`, never on the text.
 */
export class BursarError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | null;

  constructor(code: ErrorCode, message: string, options: BursarErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'BursarError';
    this.code = code;
    this.hint = options.hint ?? null;
  }

  get exitCode(): ExitCode {
    return ERROR_EXIT_CODES[this.code];
  }
}

/** A bug: what must hold does not. Crashes the command before anything half-written is committed. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}
