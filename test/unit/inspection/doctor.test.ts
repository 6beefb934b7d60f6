// The report as a whole: the exit status by the worst, the page worst first, and commands that mean the same book.
import { expect, test } from 'vitest';
import { sameBook } from '../../../src/cli/same-book.ts';
import { BursarError, type ErrorCode, type ExitCode } from '../../../src/errors.ts';
import { reportOf } from '../../../src/inspection/doctor.ts';
import { shellWord } from '../../../src/inspection/shell-word.ts';
import { faultFinding, isAnswer } from '../../../src/inspection/unopened.ts';

test.each([
  [[0, 3, 4, 6, 8, 7, 5], 5],
  [[0, 3, 4, 6, 8, 7], 7],
  [[0, 3, 4, 6, 8], 8],
  [[0, 3, 4, 6], 6],
  [[0, 3, 4], 4],
  [[0, 3], 3],
  [[0, 0], 0],
  [[], 0],
] as [ExitCode[], ExitCode][])('of %j the worst is %i', (exitCodes, worst) => {
  const { exitCode, report } = reportOf({ areas: [], findings: [], exitCodes, skipped: [] });
  expect([exitCode, report.ok]).toEqual([worst, worst === 0]);
});

test('areas and findings stand worst first, those of one weight in their order', () => {
  const area = (name: string, worst: 'error' | 'warning' | 'info' | null) => ({
    area: name,
    worst,
    summary: null,
    checked: {},
  });
  const finding = (code: string, severity: 'error' | 'warning' | 'info') => ({
    code,
    severity,
    subject: null,
    message: code,
    command: null,
    area: 'a',
  });
  const { report } = reportOf({
    areas: [area('a', null), area('b', 'warning'), area('c', 'error'), area('d', 'warning'), area('e', 'info')],
    findings: [finding('x', 'info'), finding('y', 'warning'), finding('z', 'error'), finding('w', 'warning')],
    exitCodes: [],
    skipped: [],
  });
  expect(report.areas.map(({ area: name }) => name).join('')).toBe('cbdea');
  expect(report.findings.map(({ code }) => code).join('')).toBe('zywx');
});

test('a book that is locked, missing or broken is an answer; a wrong flag is not', () => {
  const codes: ErrorCode[] = [
    'book_locked',
    'book_missing',
    'book_older',
    'book_newer',
    'corrupt_book',
    'invalid_config',
  ];
  for (const code of codes) expect(isAnswer(new BursarError(code, 'x'))).toBe(true);
  for (const code of ['usage', 'card_number', 'invalid_value'] as const)
    expect(isAnswer(new BursarError(code, 'x'))).toBe(false);
});

test('the command of a hint is taken out of it, and its other words are kept', () => {
  const missing = new BursarError('book_missing', 'There is none.', { hint: 'Make one with: bursar init --mode test' });
  expect(faultFinding(missing, '/b.db')).toMatchObject({
    message: 'There is none.',
    command: 'bursar init --mode test',
  });
  const locked = new BursarError('book_locked', 'It is locked.', { hint: 'Wait.' });
  expect(faultFinding(locked, '/my b.db')).toMatchObject({
    message: 'It is locked. Wait.',
    command: `bursar doctor --book '/my b.db'`,
  });
});

test.each([
  ['bursar billing run', { book: './other.db' }, 'bursar billing run --book ./other.db'],
  [
    'bursar billing run',
    { book: './o.db', config: 'c d.json' },
    `bursar billing run --book ./o.db --config 'c d.json'`,
  ],
  ['bursar ledger check --book BACKUP', { book: './other.db' }, 'bursar ledger check --book BACKUP'],
  ['bursar billing run', { book: 'postgres://u:secret@h/b' }, 'bursar billing run'],
  ['bursar --version', { book: './other.db' }, 'bursar --version'],
  ['df -h /', { book: './other.db' }, 'df -h /'],
  ['bursar billing run', {}, 'bursar billing run'],
])('%s with %j', (command, flags, expected) => expect(sameBook(command, flags)).toBe(expected));

test('what a shell would take apart is quoted', () => {
  expect(['/a/b.db', 'a b', `it's`, '$(x)', ''].map(shellWord)).toEqual([
    '/a/b.db',
    `'a b'`,
    `'it'\\''s'`,
    `'$(x)'`,
    `''`,
  ]);
});
