// Whatever was thrown, the report has one shape and nothing that could harm a terminal.
import { Errors } from '@oclif/core';
import { expect, test } from 'vitest';
import { toReport } from '../../../src/cli/error-report.ts';
import { BursarError } from '../../../src/errors.ts';

test('what is thrown may be anything', () => {
  expect(toReport('text\u001b[2J')).toMatchObject({ code: 'internal', message: 'text', exitCode: 1 });
  expect(toReport(undefined)).toMatchObject({ code: 'internal', message: 'undefined' });
  expect(toReport(new Error(''))).toMatchObject({ message: 'an error without a message' });
});

test('a BursarError keeps its code, hint and status', () => {
  const error = new BursarError('interrupted', 'Interrupted.', { hint: 'Run it again.' });
  expect(toReport(error)).toEqual({
    code: 'interrupted',
    message: 'Interrupted.',
    hint: 'Run it again.',
    exitCode: 130,
  });
});

test("oclif's wish to exit is no error", () => {
  expect(toReport(new Errors.ExitError(0))).toBeNull();
});
