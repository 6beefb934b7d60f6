// The shell around every command, tried with a small one: errors in one shape, exit statuses, and closing what was opened.
import { fileURLToPath } from 'node:url';
import { Args, Config, Flags, settings } from '@oclif/core';
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { BaseCommand } from '../../../src/cli/base-command.ts';
import { listFlags } from '../../../src/cli/flags.ts';
import { BursarError } from '../../../src/errors.ts';

let closed = 0;
let closesBadly = false;

async function close(): Promise<void> {
  closed += 1;
  if (closesBadly) throw new BursarError('book_unreachable', 'The disk is gone.');
}

class Probe extends BaseCommand<typeof Probe> {
  static override id = 'probe:show';
  static override args = { id: Args.string({ required: true }) };
  static override flags = { ...listFlags, times: Flags.integer(), color: Flags.string({ options: ['red', 'blue'] }) };

  async run() {
    const { id } = this.args;
    await this.opened(Promise.resolve({ close }));
    if (id === 'refused') throw new BursarError('invalid_state', 'It is \u001b[31mpaid.', { hint: 'See why.' });
    if (id === 'bug') throw new Error('Cannot read properties of undefined', { cause: new Error('deep') });
    if (id === 'declined') this.exitWith(3);
    return this.show({ schema: 'bursar.probe/1', id, times: this.flags.times ?? null, big: 1n }, ({ id }) =>
      this.printFields([['Id', id]]),
    );
  }
}

let config: Config;
let out = '';
let err = '';

beforeAll(async () => {
  settings.enableAutoTranspile = false;
  config = await Config.load({ root: fileURLToPath(new URL('../../..', import.meta.url)), userPlugins: false });
});

beforeEach(() => {
  [out, err, closed, closesBadly] = ['', '', 0, false];
  process.exitCode = undefined;
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text;
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

async function run(...argv: string[]): Promise<typeof process.exitCode> {
  await Probe.run(argv, config);
  return process.exitCode;
}

test('a result, for a person and as JSON', async () => {
  expect(await run('x')).toBeUndefined();
  expect([out, err, closed]).toEqual(['Id  x\n', '', 1]);
  out = '';
  await run('x', '--times', '2', '--json');
  expect(JSON.parse(out)).toEqual({ schema: 'bursar.probe/1', id: 'x', times: 2, big: '1' });
});

test('a result may come with a status of its own', async () => {
  expect(await run('declined', '--json')).toBe(3);
  expect(JSON.parse(out).id).toBe('declined');
});

const USAGE: [string[], string, string, string | null][] = [
  [[], 'usage', 'Missing argument: ID. Nothing was done.', 'See bursar probe show --help'],
  [['x', 'y'], 'usage', 'Unexpected argument: "y". Nothing was done.', 'See bursar probe show --help'],
  [['x', '--tims', '3'], 'usage', 'Unknown flag: --tims. Nothing was done.', 'Did you mean --times?'],
  [['x', '--bok=a'], 'usage', 'Unknown flag: --bok. Nothing was done.', 'Did you mean --book?'],
  [['x', '-q'], 'usage', 'Unknown flag: -q. Nothing was done.', 'See bursar probe show --help'],
  [
    ['x', '--times', 'z'],
    'usage',
    '--times: Expected an integer but received: z. Nothing was done.',
    'See bursar probe show --help',
  ],
  [['x', '--times'], 'usage', 'Flag --times expects a value. Nothing was done.', 'See bursar probe show --help'],
  [
    ['x', '--color', 'c'],
    'usage',
    'Expected --color=c to be one of: red, blue. Nothing was done.',
    'See bursar probe show --help',
  ],
  [
    ['x', '--all', '--limit', '1'],
    'usage',
    '--limit=1 cannot also be provided when using --all. Nothing was done.',
    'See bursar probe show --help',
  ],
  [['x', '--limit', '0'], 'invalid_value', '--limit takes a whole number, 1 or more, not "0". Nothing was done.', null],
];

test.each(USAGE)('usage %j', async (argv, code, message, hint) => {
  expect(await run(...argv)).toBe(2);
  expect([out, err]).toEqual(['', `Error: ${message}\n${hint === null ? '' : `${hint}\n`}`]);
  expect(await run('--json', ...argv)).toBe(2);
  expect(JSON.parse(out)).toEqual({ error: { code, message, hint, exitCode: 2 } });
});

test('a refusal has the status of its code, and is closed after', async () => {
  expect(await run('refused')).toBe(1);
  expect([out, err, closed]).toEqual(['', 'Error: It is paid.\nSee why.\n', 1]);
  await run('refused', '--json');
  expect(JSON.parse(out)).toEqual({
    error: { code: 'invalid_state', message: 'It is paid.', hint: 'See why.', exitCode: 1 },
  });
});

test('a result is printed although closing failed, which has the last word on the status', async () => {
  closesBadly = true;
  expect(await run('x', '--json')).toBe(7);
  expect(JSON.parse(out).id).toBe('x');
  expect(err).toBe('Error: The disk is gone.\n');
});

test('a bug is one line and a hint; the trace only with --debug', async () => {
  expect(await run('bug')).toBe(1);
  expect(err).toMatch(/^bursar: internal error: Cannot read properties of undefined\n.*--debug.*\n$/);
  expect(closed).toBe(1);
  err = '';
  expect(await run('bug', '--json', '--debug')).toBe(1);
  expect(JSON.parse(out).error).toMatchObject({ code: 'internal', exitCode: 1 });
  expect(err).toContain('base-command.test.ts');
  expect(err).toContain('caused by: Error: deep');
});

test('a card number that was typed by mistake is not repeated', async () => {
  const number = '4242424242424242';
  expect(await run('x', number)).toBe(2);
  expect(await run('x', '--color', number, '--debug')).toBe(2);
  expect(err).toContain('4242');
  expect(err).not.toContain(number);
});

test('a missing argument is not taken from stdin', async () => {
  const { args } = Probe;
  expect(args.id.ignoreStdin).toBeFalsy();
  const reads = vi.spyOn(process.stdin, 'on');
  expect(await run()).toBe(2);
  expect(reads).not.toHaveBeenCalled();
});
