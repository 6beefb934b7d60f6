// Reads audit rows as steps of a charge's story. Only fields that are known to be no personal data are read out of what a
// row holds: a description stands there encrypted, and is left there.
import { type Attempt, isCollecting } from '../../charges/attempt.ts';
import { isOwnStop } from '../../charges/send.ts';
import type { DeclineClass } from '../../gateways/declines.ts';
import { ruleWords } from '../../retries/rules.ts';
import { money } from '../money-text.ts';
import { NOTHING_MORE, type StepKind, type StoryFacts, type StoryStep } from './step.ts';
import type { StoryRow } from './story-store.ts';
import { nameOf, saidOf, shortKey } from './words.ts';

type Fields = Readonly<Record<string, unknown>>;
type Told = Pick<StoryStep, 'kind' | 'what'> & Partial<StoryStep>;

/** Whether a row settles money that is posted with it. */
export function closesWith({ action, result }: StoryRow): boolean {
  return action.endsWith('.settle') && (result === 'approved' || result === 'duplicate');
}

export class RowReader {
  readonly #facts: StoryFacts;
  readonly #attempts: Map<string, Attempt>;
  /** As they stood when the row was written: the policy counts from the last replay. */
  #softDeclines = 0;
  #transportFailures = 0;
  #said = '';
  #declineClass: DeclineClass | null = null;

  constructor(facts: StoryFacts) {
    this.#facts = facts;
    this.#attempts = new Map(facts.attempts.map((attempt) => [attempt.id, attempt]));
  }

  read(row: StoryRow): StoryStep {
    const [before, after] = [fieldsOf(row.before), fieldsOf(row.after)];
    const told = this.#tell(row, before, after);
    const [from, to] = [text(before, 'status'), text(after, 'status') ?? row.status];
    const rule = told.rule ?? null;
    return {
      ...NOTHING_MORE,
      atMs: row.at,
      actor: row.actor,
      command: row.command,
      operatorReason: row.reason,
      status: from === null || to === null || from === to ? null : { from, to },
      auditId: row.id,
      seal: row.seal,
      ...told,
      rule,
      reason: rule === null ? null : this.#reasonOf(rule),
    };
  }

  #tell(row: StoryRow, before: Fields, after: Fields): Told {
    const { action } = row;
    const [noun = '', verb = ''] = action.split('.');
    if (action === 'schedule.create') return this.#scheduled(row, after);
    if (action === 'method.block') {
      return {
        kind: 'method_blocked',
        what: `Payment method ${row.subject} was blocked: ${text(after, 'code') ?? 'hard decline'}. It is never charged again.`,
      };
    }
    if (noun === 'charge') return this.#aboutCharge(row, verb, before, after);
    const attempt = this.#attempts.get(row.subject);
    if (attempt !== undefined && verb === 'open') return this.#opened(attempt, after);
    if (attempt !== undefined && verb === 'resend') {
      return {
        kind: 'resent',
        what: `${nameOf(attempt)} was sent once more with the same key and request: send ${text(after, 'sends') ?? '?'}.`,
        attemptId: attempt.id,
        gateway: attempt.gateway,
        runId: null,
        key: attempt.idempotencyKey,
      };
    }
    if (attempt !== undefined && verb === 'settle') return this.#settled(row, attempt, after);
    return { kind: 'changed', what: `${action}: ${row.result}.`, attemptId: attempt?.id ?? null };
  }

  #scheduled({ subject }: StoryRow, after: Fields): Told {
    const every = text(after, 'every');
    const rhythm =
      every === null
        ? `once, at ${text(after, 'at') ?? 'its time'}`
        : `every ${every} from ${text(after, 'start') ?? 'its start'}`;
    return {
      kind: 'scheduled',
      what: `Schedule ${subject} was made: ${rhythm}, policy ${text(after, 'policy') ?? '?'}.`,
    };
  }

  #aboutCharge(row: StoryRow, verb: string, before: Fields, after: Fields): Told {
    const { charge, createdByRun } = this.#facts;
    const amount = money(charge.amountMinor, charge.currency);
    switch (verb) {
      case 'create': {
        const period =
          charge.scheduleId === null
            ? ''
            : ` for period ${charge.period} of schedule ${charge.scheduleId}, due ${text(after, 'dueAt') ?? '?'}`;
        const how = text(after, 'intent') === 'authorize' ? 'to be authorized first' : 'to be collected at once';
        return {
          kind: 'created',
          what: `The charge of ${amount} was made${period}: ${how}, from customer ${charge.customerId} by payment method ${text(after, 'methodId') ?? '?'} through ${row.gateway ?? '?'}, policy ${text(after, 'policy') ?? '?'}.`,
          runId: charge.scheduleId === null ? null : createdByRun,
        };
      }
      case 'replay':
        this.#softDeclines = 0;
        this.#transportFailures = 0;
        return { kind: 'replayed', what: 'An operator gave the charge another life.', rule: 'replayed' };
      case 'exhaust':
        this.#said = text(after, 'declineCode') ?? row.result;
        return {
          kind: 'exhausted',
          what: `The charge was given up without being sent: ${this.#said}.`,
          rule: row.result,
        };
      case 'cancel':
        if (row.result === 'if_unpaid') {
          return {
            kind: 'cancel_if_unpaid',
            what: 'It was marked to be cancelled, not retried, should what is under way turn out unpaid.',
            rule: 'cancel_if_unpaid',
          };
        }
        if (row.result === 'closing')
          return {
            kind: 'closing',
            what: 'Its payment object is to be closed at the provider before it is cancelled.',
          };
        return { kind: 'cancelled', what: 'The charge was cancelled.', rule: 'cancelled' };
      case 'method':
        return {
          kind: 'method_changed',
          what: `Payment method ${text(after, 'methodId') ?? '?'} took the place of ${text(before, 'methodId') ?? '?'}.`,
        };
      default:
        return { kind: 'changed', what: `${row.action}: ${row.result}.` };
    }
  }

  #opened(attempt: Attempt, after: Fields): Told {
    const { id, gateway, runId } = attempt;
    const key = text(after, 'idempotencyKey') ?? attempt.idempotencyKey;
    return {
      kind: 'opened',
      what: `${nameOf(attempt)} was opened, to be sent to ${gateway} with key ${shortKey(key)}.`,
      attemptId: id,
      gateway,
      runId,
      key,
    };
  }

  #settled(row: StoryRow, attempt: Attempt, after: Fields): Told {
    const outcome = text(after, 'outcome') ?? row.result;
    const by = text(after, 'by') ?? 'send';
    const [declineCode, providerCode] = [text(after, 'declineCode'), text(after, 'providerCode')];
    const failed = outcome === 'declined' || outcome === 'rejected';
    if (failed && isCollecting(attempt.operation)) this.#count(attempt, declineCode);
    const rule = failed ? text(after, 'rule') : null;
    return {
      kind: kindOf(by, outcome, text(after, 'cause'), declineCode),
      what: saidOf({
        attempt,
        outcome,
        by,
        cause: text(after, 'cause'),
        reference: text(after, 'reference'),
        declineCode,
        providerCode,
        message: this.#messageOf(attempt, outcome, by),
      }),
      attemptId: attempt.id,
      gateway: attempt.gateway,
      runId: attempt.runId,
      rule,
      retryAt: failed ? text(after, 'retryAt') : null,
    };
  }

  #count({ declineClass }: Attempt, declineCode: string | null): void {
    if (declineClass === 'soft') this.#softDeclines += 1;
    if (declineClass === 'transport') this.#transportFailures += 1;
    else if (declineClass !== 'ours') this.#transportFailures = 0;
    this.#declineClass = declineClass;
    this.#said = declineCode ?? declineClass ?? 'it';
  }

  /** The attempt keeps the provider's last words; they belong to the outcome that it has now. */
  #messageOf({ outcome, providerMessage }: Attempt, told: string, by: string): string | null {
    const speaks = told === 'declined' || told === 'rejected' || told === 'unknown';
    const isTheirs = by === 'send' || by === 'lookup';
    return outcome === told && speaks && isTheirs ? providerMessage : null;
  }

  #reasonOf(rule: string): string | null {
    const { charge, maxAgeMs } = this.#facts;
    return (
      ruleWords(rule, {
        said: this.#said,
        declineClass: this.#declineClass ?? charge.declineClass ?? 'soft',
        policyName: charge.policy,
        softDeclines: this.#softDeclines,
        transportFailures: this.#transportFailures,
        maxAgeMs,
      })?.reason ?? null
    );
  }
}

function kindOf(by: string, outcome: string, cause: string | null, declineCode: string | null): StepKind {
  if (cause === 'owner_gone') return 'owner_gone';
  if (by === 'send' && outcome === 'unknown') return 'unanswered';
  return by === 'send' && isOwnStop(declineCode) ? 'not_sent' : (KIND_OF[by] ?? 'answered');
}

const KIND_OF: Readonly<Record<string, StepKind>> = {
  send: 'answered',
  lookup: 'looked_up',
  cancel: 'closed',
  operator: 'resolved',
};

/** A damaged row is told as far as it can be read. */
function fieldsOf(json: string | null): Fields {
  if (json === null) return {};
  try {
    const value: unknown = JSON.parse(json);
    return value !== null && typeof value === 'object' ? (value as Fields) : {};
  } catch {
    return {};
  }
}

function text(fields: Fields, name: string): string | null {
  const value = Object.hasOwn(fields, name) ? fields[name] : null;
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}
