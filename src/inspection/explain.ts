// Why a charge will or won't be tried again, when, by which rule, and who can change that. The rule is the one that the
// charge was settled by; what it says, and what is left, comes from the policy's own functions.
import { type Attempt, isCollecting, isOpen } from '../charges/attempt.ts';
import { CANCEL_IF_UNPAID, type Charge } from '../charges/charge.ts';
import { type Pause, pauseFor } from '../charges/pauses-store.ts';
import type { PaymentMethod } from '../customers/customer.ts';
import { decide, type RetryPolicy } from '../retries/policy.ts';
import { type FixableBy, type RuleFacts, ruleWords } from '../retries/rules.ts';

/** What stands in the book and the configuration about the charge. */
export interface ExplainFacts {
  charge: Charge;
  attempts: readonly Attempt[];
  method: PaymentMethod | undefined;
  /** Null where the configuration has it no more. */
  policy: RetryPolicy | null;
  isGatewayConfigured: boolean;
  pauses: readonly Pause[];
  nowMs: number;
  /** Of a charge that has no zone of its own. */
  timezone: string;
}

export interface Step {
  what: string;
  command: string;
}

export interface Explanation {
  chargeId: string;
  status: Charge['status'];
  willRetry: boolean;
  /** Epoch milliseconds. */
  retryAtMs: number | null;
  rule: string;
  reason: string;
  fixableBy: FixableBy | null;
  policy: string;
  /** Soft declines that the policy has counted, and how many more tries it would make at most. */
  attemptsUsed: number;
  attemptsLeft: number;
  softDelaysMs: readonly number[] | null;
  /** No retry is planned later than this; null before the first attempt. */
  maxAgeUntilMs: number | null;
  /** What keeps it from going out although it is to be tried: a pause. */
  heldBy: string | null;
  /** What would change it, each with the command to run. */
  next: Step[];
}

/** What is told besides the numbers of the policy. */
type Verdict = Pick<Explanation, 'willRetry' | 'retryAtMs' | 'rule' | 'reason' | 'fixableBy' | 'next'>;

export function explain(facts: ExplainFacts): Explanation {
  const { charge, policy } = facts;
  const verdict = verdictOn(facts);
  const isAlive = verdict.willRetry || charge.status === 'failed';
  const hasAgeLimit = policy !== null && charge.firstAttemptAt !== null && policy.name !== 'none';
  const pause = verdict.willRetry ? pauseFor(facts.pauses, charge.gateway) : undefined;
  return {
    chargeId: charge.id,
    status: charge.status,
    ...verdict,
    policy: charge.policy,
    attemptsUsed: charge.softDeclines,
    attemptsLeft: isAlive && policy !== null ? triesLeft(facts, policy) : 0,
    softDelaysMs: policy?.softDelaysMs ?? null,
    maxAgeUntilMs: hasAgeLimit ? (charge.firstAttemptAt ?? 0) + policy.maxAgeMs : null,
    heldBy: pause === undefined ? null : `${pause.scope === '*' ? 'every gateway' : pause.scope}: ${pause.reason}`,
    next:
      pause === undefined
        ? verdict.next
        : [{ what: 'Lift the pause', command: `bursar resume${scopeFlag(pause)} --reason WHY` }, ...verdict.next],
  };
}

const scopeFlag = ({ scope }: Pause): string => (scope === '*' ? '' : ` --gateway ${scope}`);

function verdictOn(facts: ExplainFacts): Verdict {
  const { charge } = facts;
  switch (charge.status) {
    case 'pending':
      return due(facts, charge.dueAt, charge.retryRule ?? 'due');
    case 'failed':
      return charge.retryAt === null ? stopped(facts) : due(facts, charge.retryAt, charge.retryRule ?? 'due');
    case 'exhausted':
      return stopped(facts);
    case 'processing':
    case 'unknown':
    case 'settling':
    case 'requires_action':
      return underWay(facts);
    default:
      return ended(charge);
  }
}

/** To be tried at a time, unless what it needs for that is gone: then opening it gives it up. */
function due(facts: ExplainFacts, atMs: number, rule: string): Verdict {
  const { charge, method, policy, isGatewayConfigured } = facts;
  if (method !== undefined && (method.blockedAt !== null || method.removedAt !== null)) {
    const by = method.blockedAt === null ? 'method_removed' : 'method_blocked';
    const said = method.blockedCode ?? 'method_removed';
    return { ...NEVER, rule: by, ...words(facts, by, said), next: otherMethod(charge) };
  }
  if (policy === null) {
    const next = [{ what: 'Configure the policy again, then check', command: 'bursar config check' }];
    return { ...NEVER, rule: 'policy_missing', ...words(facts, 'policy_missing'), next };
  }
  if (!isGatewayConfigured) {
    return {
      ...NEVER,
      rule: 'gateway_missing',
      reason: `No gateway ${charge.gateway} is configured, so nothing can be sent to it.`,
      fixableBy: 'operator',
      next: [{ what: 'Configure the gateway again, then check', command: 'bursar config check' }],
    };
  }
  const isFirst = charge.attemptCount === 0;
  const { reason } =
    rule === 'due' ? { reason: isFirst ? 'It has not been tried yet.' : 'It is due.' } : words(facts, rule);
  const isDue = atMs <= facts.nowMs;
  return {
    willRetry: true,
    retryAtMs: atMs,
    rule,
    reason,
    fixableBy: null,
    next: [
      {
        what: isDue ? 'It is due: try it' : 'Once it is due, a run tries it',
        command: charge.status === 'pending' ? 'bursar billing run' : 'bursar retries run',
      },
      { what: 'Do not collect it', command: `bursar charges cancel ${charge.id} --reason WHY` },
    ],
  };
}

/** No time is set: it waits for the customer, or for an operator's word. */
function stopped(facts: ExplainFacts): Verdict {
  const { charge, method } = facts;
  const rule = charge.retryRule ?? 'none';
  const told = words(facts, rule);
  const isUnusable = method !== undefined && (method.blockedAt !== null || method.removedAt !== null);
  const waits = charge.status === 'failed';
  const cancel = { what: 'Do not collect it', command: `bursar charges cancel ${charge.id} --reason WHY` };
  const replay = { what: 'Try it once more', command: `bursar charges replay ${charge.id} --reason WHY` };
  if (waits) {
    return { ...NEVER, rule, ...told, next: [...otherMethod(charge), ...(isUnusable ? [] : [replay]), cancel] };
  }
  return { ...NEVER, rule, ...told, next: isUnusable ? newCharge(charge) : [replay] };
}

function underWay({ charge, attempts }: ExplainFacts): Verdict {
  const open = attempts.find((attempt) => isOpen(attempt) && isCollecting(attempt.operation));
  const which = open === undefined ? 'An attempt' : `Attempt ${open.number}`;
  const onlyIfUnpaid = charge.retryRule === CANCEL_IF_UNPAID ? ' If it was not paid, the charge is cancelled.' : '';
  const run = { what: 'Find out what came of it', command: 'bursar billing run' };
  const verdict = (rule: string, reason: string, fixableBy: FixableBy | null, next: Step[]): Verdict => ({
    ...NEVER,
    rule,
    reason: reason + onlyIfUnpaid,
    fixableBy,
    next,
  });
  switch (charge.status) {
    case 'settling':
      return verdict('settling', `${which} is settling at ${charge.gateway}; its outcome decides.`, null, [run]);
    case 'requires_action':
      return verdict('requires_action', `${which} waits for the customer to confirm the payment.`, 'customer', [run]);
    case 'unknown': {
      const reason = `Nobody knows whether ${which.toLowerCase()} collected the money. It is proved first, and never tried under a new key before.`;
      const resolve =
        open === undefined
          ? []
          : [
              {
                what: 'If the provider can prove nothing any more, and you know better',
                command: `bursar attempts resolve ${open.id} --as not-executed --reason WHY`,
              },
            ];
      return verdict('proof_first', reason, 'operator', [run, ...resolve]);
    }
    default:
      return verdict('attempt_open', `${which} is under way; its outcome decides.`, null, [
        { what: 'Look again in a moment', command: `bursar charges show ${charge.id}` },
      ]);
  }
}

function ended({ id, status }: Charge): Verdict {
  const show = { what: 'See all of it', command: `bursar charges why ${id}` };
  const [reason, next] = {
    captured: ['It is paid: there is nothing to try again.', show],
    authorized: [
      'It is authorized: the next step is to capture or to void it, not a retry.',
      { what: 'Collect it', command: `bursar charges capture ${id}` },
    ],
    voided: ['Its authorization was released by an operator; nothing is owed any more.', show],
    expired: ['Its authorization ran out at the provider.', show],
    cancelled: ['It was cancelled; nothing is collected any more.', show],
  }[status as 'captured'] as [string, Step];
  return { ...NEVER, rule: status, reason, fixableBy: null, next: [next] };
}

const NEVER = { willRetry: false, retryAtMs: null } as const;

/** A new method goes in the old one's place: then what waits for it is due at once. On a terminal the rest is asked. */
function otherMethod({ customerId, methodId }: Charge): Step[] {
  return [
    {
      what: 'Give the customer another payment method',
      command: `bursar methods add --customer ${customerId} --replaces ${methodId}`,
    },
  ];
}

function newCharge({ customerId, currency }: Charge): Step[] {
  return [
    { what: 'Give the customer another payment method', command: `bursar methods add --customer ${customerId}` },
    { what: 'and charge that one', command: `bursar charges create --customer ${customerId} --currency ${currency}` },
  ];
}

export function ruleFacts(charge: Charge, policy: RetryPolicy | null, said?: string): RuleFacts {
  const declineClass = charge.declineClass ?? 'soft';
  return {
    said: said ?? charge.declineCode ?? declineClass,
    declineClass,
    policyName: charge.policy,
    softDeclines: charge.softDeclines,
    transportFailures: charge.transportFailures,
    maxAgeMs: policy?.maxAgeMs ?? null,
  };
}

function words({ charge, policy }: ExplainFacts, rule: string, said?: string) {
  const told = ruleWords(rule, ruleFacts(charge, policy, said));
  return told ?? { reason: `The rule ${rule} decided it.`, fixableBy: 'operator' as const };
}

/** More than any policy may ask for (50 delays): the loop ends whatever a policy says. */
const MOST_TRIES = 1000;

/** How many tries the policy would still make if each were declined softly: by asking it, one after the other. */
function triesLeft({ charge, nowMs, timezone }: ExplainFacts, policy: RetryPolicy): number {
  let atMs = Math.max(nowMs, charge.retryAt ?? charge.dueAt);
  for (let tries = 1; ; tries += 1) {
    const decision = decide({
      policy,
      declineClass: 'soft',
      declineCode: null,
      softDeclines: charge.softDeclines + tries,
      transportFailures: 0,
      firstAttemptAtMs: charge.firstAttemptAt ?? atMs,
      nowMs: atMs,
      retryAfterMs: null,
      timezone: charge.timezone ?? timezone,
      random: () => 0,
    });
    if (decision.kind !== 'retry' || tries === MOST_TRIES) return tries;
    atMs = decision.retryAtMs;
  }
}
