// What the demo does, as data: real commands in their order, with what each is expected to end with. `{ada}` and the like
// stand for ids that earlier commands printed.

export interface DemoStep {
  /** Printed above the command; what a reader should notice. */
  says?: string;
  /** The command's words, without `bursar`. */
  words: string[];
  /** Exit statuses that are part of the story; 0 unless given. */
  ends?: readonly number[];
  /** Remembers the first id with this prefix in the output: `ada: 'cus'`. */
  remembers?: { name: string; prefix: string };
}

/** Dates around the month after `today`, so that the story is the same whenever it is told. */
export function demoDates(today: Date): { month: string; lastDay: string; nextDay: string; retryDay: string } {
  const year = today.getUTCFullYear();
  const month = today.getUTCMonth() + 1;
  const day = (offset: number, date: number): string =>
    new Date(Date.UTC(year, month + offset, date)).toISOString().slice(0, 10);
  return { month: day(0, 1), lastDay: day(1, 0), nextDay: day(1, 1), retryDay: day(1, 12) };
}

export function demoStory(today: Date): DemoStep[] {
  const { month, lastDay, nextDay, retryDay } = demoDates(today);
  const lastDayNumber = String(Number(lastDay.slice(8)));
  return [
    {
      says: 'A book: one database with its ledger, charges and schedules.',
      words: ['init', '--book', './book.db', '--mode', 'test'],
    },
    ...customer('ada', 'Ada Lovelace', 'ada@example.com', 'tok_approved'),
    ...customer('grace', 'Grace Hopper', 'grace@example.com', 'tok_expired_card'),
    ...customer('alan', 'Alan Turing', 'alan@example.com', 'tok_timeout_after_charging'),
    ...customer('joan', 'Joan Clarke', 'joan@example.com', 'tok_insufficient_funds'),
    {
      says: 'One charge by hand, and part of it given back.',
      words: [
        'charges',
        'create',
        '--customer',
        '{ada}',
        '--amount',
        '12.50',
        '--currency',
        'USD',
        '--description',
        'Setup fee',
        '--idempotency-key',
        'setup-ada',
      ],
      remembers: { name: 'charge', prefix: 'ch' },
    },
    {
      says: 'The same key again: nothing is sent, the first answer is repeated.',
      words: [
        'charges',
        'create',
        '--customer',
        '{ada}',
        '--amount',
        '12.50',
        '--currency',
        'USD',
        '--description',
        'Setup fee',
        '--idempotency-key',
        'setup-ada',
      ],
    },
    { words: ['charges', 'refund', '{charge}', '--amount', '5.00', '--reason', 'goodwill'] },
    {
      says: 'A charge by hand is tried once: what is declined there is not collected days later by surprise.',
      words: ['charges', 'create', '--customer', '{joan}', '--amount', '9.99', '--currency', 'USD'],
      ends: [3],
    },
    {
      says: 'Everyone pays monthly, on the last day of the month.',
      words: schedule('{ada}', '20.00', month),
      remembers: { name: 'schedule', prefix: 'sch' },
    },
    ...['{grace}', '{alan}', '{joan}'].map((who, index) => ({ words: schedule(who, `${(index + 3) * 10}.00`, month) })),
    { words: ['schedules', 'preview', '{schedule}', '--next', '3'] },
    { says: 'What a run would charge, before it does.', words: ['billing', 'run', '--as-of', nextDay, '--dry-run'] },
    {
      says: `The month is billed. Grace's card has expired, Joan's account is empty, and the bank goes silent after charging Alan: the run ends with 4, since one outcome is unknown.`,
      words: ['billing', 'run', '--as-of', nextDay],
      ends: [4],
    },
    { words: ['charges', 'list'] },
    {
      says: `The next run asks the bank first: Alan was charged once, and is not charged again. At that time Joan's retry is due, too.`,
      words: ['billing', 'run', '--as-of', nextDay],
    },
    {
      says: "Grace's new card; what waited for it is due at once.",
      words: [
        'methods',
        'add',
        '--customer',
        '{grace}',
        '--gateway',
        'simulated',
        '--token',
        'tok_approved',
        '--replaces',
        '{grace-method}',
      ],
    },
    { words: ['retries', 'list'] },
    { says: 'Due retries, as they will stand in a few days.', words: ['retries', 'run', '--as-of', retryDay] },
    { words: ['charges', 'list'] },
    { says: 'What the ledger says, whether it holds, and what the bank says it did.', words: ['ledger', 'balances'] },
    { words: ['ledger', 'check'] },
    { words: ['bank', 'charges'] },
    {
      says: 'The audit log, for someone who has no access to the book.',
      words: ['audit', 'export', '--out', 'audit.csv'],
    },
    { words: ['audit', 'verify', '--file', 'audit.csv'] },
    { words: ['doctor'] },
    {
      says: 'And one for you to play with: the bank charges Alan and goes silent again.',
      words: ['charges', 'create', '--customer', '{alan}', '--amount', '1.00', '--currency', 'USD'],
      ends: [4],
    },
  ];

  function schedule(who: string, amount: string, start: string): string[] {
    return [
      'schedules',
      'create',
      '--customer',
      who,
      '--amount',
      amount,
      '--currency',
      'USD',
      '--every',
      '1 month',
      '--on',
      lastDayNumber,
      '--start',
      start,
      '--timezone',
      'America/New_York',
    ];
  }
}

function customer(who: string, name: string, email: string, token: string): DemoStep[] {
  return [
    { words: ['customers', 'create', '--name', name, '--email', email], remembers: { name: who, prefix: 'cus' } },
    {
      words: ['methods', 'add', '--customer', `{${who}}`, '--gateway', 'simulated', '--token', token],
      remembers: { name: `${who}-method`, prefix: 'pm' },
    },
  ];
}

/** What to try afterwards, each a command that works in the demo's folder. */
export const DEMO_NEXT = [
  'bursar attempts list --open',
  'bursar billing run   (finds out what came of it)',
  'bursar charges list --status failed,exhausted',
  'bursar charges create   (asks for what is missing)',
  'bursar --help',
] as const;
