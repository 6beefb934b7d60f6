// A charge's story as a Mermaid sequence diagram (https://mermaid.js.org/syntax/sequenceDiagram.html). What a provider or a
// person has written can't end a statement or begin one: all but plain letters, digits and a few marks goes as a
// character code.
import type { StoryStep } from '../../inspection/why/step.ts';
import type { Why } from '../../inspection/why/why.ts';
import { oneLine } from '../text.ts';

const RUNS: readonly (string | null)[] = ['billing run', 'retries run', 'worker'];
const LONGEST_TEXT = 300;
const LINE_LENGTH = 60;

export function whyDiagram({ charge, steps, next }: Why): string {
  const gateways = [...new Set([charge.gateway, ...steps.flatMap(({ gateway }) => gateway ?? [])])];
  const idOf = (gateway: string | null): string => `gateway${Math.max(0, gateways.indexOf(gateway ?? charge.gateway))}`;
  let lastBy = '';
  const messages = steps.flatMap((step) => {
    const by = `${step.actor ?? '?'}, ${step.command ?? '?'}`;
    // Who lets an attempt be opened is told where it is not who acted last: a refund days later, the next run.
    const isTold = fromOutside(step) || step.kind !== 'opened' || by === lastBy;
    if (fromOutside(step) || step.kind === 'opened') lastBy = by;
    const told = messagesOf(step, idOf(step.gateway));
    return isTold ? told : [`${whoOf(step)}->>bursar: ${mermaidText(by)}`, ...told];
  });
  const used = (id: string): boolean =>
    messages.some((line) => new RegExp(`\\b${id}\\b`).test(line.split(': ')[0] ?? ''));
  const participants = [
    ['actor', 'operator', 'Operator'],
    ['actor', 'cron', 'Cron'],
    ['participant', 'bursar', 'bursar'],
    ...gateways.map((gateway) => ['participant', idOf(gateway), gateway]),
    ['participant', 'ledger', 'Ledger'],
  ] as const;
  return [
    'sequenceDiagram',
    ...participants
      .filter(([, id]) => id === 'bursar' || used(id ?? ''))
      .map(([kind, id, name]) => `${kind} ${id} as ${mermaidText(name ?? '')}`),
    ...messages,
    `Note over bursar: ${mermaidText(`Now ${next.status}. ${next.reason}`)}`,
  ]
    .map((line, index) => (index === 0 ? line : `  ${line}`))
    .join('\n')
    .concat('\n');
}

function messagesOf(step: StoryStep, gateway: string): string[] {
  const who = whoOf(step);
  const by = `${step.actor ?? '?'}, ${step.command ?? '?'}`;
  const lines = [
    `${arrowOf(step, who, gateway)}: ${mermaidText(fromOutside(step) ? `${by}: ${step.what}` : step.what)}`,
  ];
  if (step.rule !== null && step.reason !== null) {
    const when = step.retryAt === null ? '' : ` Next try ${step.retryAt}.`;
    lines.push(`Note over bursar: ${mermaidText(`Rule ${step.rule}: ${step.reason}${when}`)}`);
  }
  return lines;
}

const whoOf = ({ command }: StoryStep): string => (RUNS.includes(command) ? 'cron' : 'operator');

const FROM_OUTSIDE: readonly StoryStep['kind'][] = [
  'scheduled',
  'created',
  'resolved',
  'replayed',
  'cancelled',
  'cancel_if_unpaid',
  'closing',
  'method_changed',
];

const fromOutside = ({ kind }: StoryStep): boolean => FROM_OUTSIDE.includes(kind);

function arrowOf(step: StoryStep, who: string, gateway: string): string {
  if (fromOutside(step)) return `${who}->>bursar`;
  switch (step.kind) {
    case 'opened':
    case 'resent':
      return `bursar->>${gateway}`;
    case 'answered':
    case 'looked_up':
    case 'closed':
      return `${gateway}-->>bursar`;
    case 'unanswered':
      return `${gateway}--xbursar`;
    case 'posted':
      return 'bursar->>ledger';
    default:
      return 'Note over bursar';
  }
}

/** Text that Mermaid shows as it is, in lines of a readable length, cut where it is very long. */
export function mermaidText(text: string): string {
  const line = oneLine(text);
  const letters = [...line];
  const shown = letters.length > LONGEST_TEXT ? `${letters.slice(0, LONGEST_TEXT).join('')}…` : line;
  return wrapped(shown)
    .map((part) =>
      part.replace(/[^A-Za-z0-9 .,_()+-]/gu, code).replace(/\bend\b/gi, (word) => code(word) + word.slice(1)),
    )
    .join('<br/>');
}

/** The character code of the first letter, which Mermaid turns back into the letter after it has read the statement. */
const code = (letter: string): string => `#${letter.codePointAt(0) ?? 0xfffd};`;

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((each) => chunked(each))) {
    if (line !== '' && line.length + 1 + word.length > LINE_LENGTH) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** A word longer than a line, in pieces; never between the halves of one character. */
function chunked(word: string): string[] {
  const letters = [...word];
  const pieces: string[] = [];
  for (let at = 0; at === 0 || at < letters.length; at += LINE_LENGTH)
    pieces.push(letters.slice(at, at + LINE_LENGTH).join(''));
  return pieces;
}
