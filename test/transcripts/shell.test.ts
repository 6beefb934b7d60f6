// The start of the process, through the built CLI: version, help, unknown commands, and a reader that leaves early.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BIN, cliEnvironment, runCli, runProcess } from '../support/cli.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

test('--version', async () => {
  const { stdout, stderr, code } = await runCli(['--version']);
  expect([stdout, stderr, code]).toEqual([
    expect.stringMatching(new RegExp(`^bursar/${version} \\S+ node-v\\d+`)),
    '',
    0,
  ]);
});

test.each([['--help'], ['help'], ['-h'], []])('help with %j', async (...args) => {
  const { stdout, stderr, code } = await runCli(args);
  expect([stdout, stderr, code]).toEqual([expect.stringContaining('USAGE\n  $ bursar [COMMAND]'), '', 0]);
});

test.each([[['frobnicate']], [['frobnicate', '--help']], [['help', 'frobnicate']], [['frobnicate', 'it', '--now']]])(
  'unknown command %j',
  async (args) => {
    const text = await runCli(args);
    const message = '"frobnicate" is not a bursar command. Nothing was done.';
    expect(text).toMatchObject({ stdout: '', stderr: `Error: ${message}\nSee bursar --help\n`, code: 2 });
    const json = await runCli([...args, '--json']);
    expect(json).toMatchObject({ stderr: '', code: 2 });
    expect(JSON.parse(json.stdout)).toEqual({
      error: { code: 'unknown_command', message, hint: 'See bursar --help', exitCode: 2 },
    });
  },
);

test('an unknown flag before any command', async () => {
  expect(await runCli(['--verison'])).toMatchObject({
    stdout: '',
    stderr: 'Error: Unknown flag: --verison. Nothing was done.\nDid you mean --version?\n',
    code: 2,
  });
});

test('what a person typed is printed without terminal escapes', async () => {
  const { stderr } = await runCli(['\u001b]0;owned\u0007\u001b[2Jx']);
  expect(stderr).toBe('Error: "x" is not a bursar command. Nothing was done.\nSee bursar --help\n');
});

test.each([['test'], ['development']])('NODE_ENV=%s changes nothing', async (NODE_ENV) => {
  const { stdout, code } = await runCli(['frobnicate', '--json'], { env: { NODE_ENV } });
  expect([JSON.parse(stdout).error.code, code]).toEqual(['unknown_command', 2]);
});

test('a reader that leaves early is no error', async () => {
  const script = `"${process.execPath}" "${BIN}" --help | true; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = await runProcess('bash', ['-c', script], { env: cliEnvironment('/tmp') });
  expect([stdout, stderr]).toEqual(['0\n', '']);
});
