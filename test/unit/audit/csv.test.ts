// What stands in a CSV file for each kind of value.
import { describe, expect, it } from 'vitest';
import { csvLine, escapeCell, unescapeText } from '../../../src/audit/csv.ts';

describe('escapeCell', () => {
  it.each([
    [null, ''],
    ['', '""'],
    ['plain text', 'plain text'],
    ['a,b', '"a,b"'],
    ['say "no"', '"say ""no"""'],
    ['two\nlines', '"two\nlines"'],
    ['two\rlines', '"two\rlines"'],
    [' led', '" led"'],
    ['trailed ', '"trailed "'],
    ['a\tb', 'a\tb'],
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t=1"],
    ['\r=1', '"\'\r=1"'],
    ['\n=1', '"\'\n=1"'],
    ["'quoted'", "''quoted'"],
    ['=1,2', '"\'=1,2"'],
    ['a=1', 'a=1'],
    [-5, '-5'],
    [0, '0'],
  ])('writes %j as %j', (value, cell) => {
    expect(escapeCell(value)).toBe(cell);
  });

  it('writes a bigint in full', () => {
    expect(escapeCell(-(10n ** 18n))).toBe('-1000000000000000000');
  });

  it.each([0.1, Number.NaN, 1e21])('refuses the number %s', (value) => {
    expect(() => escapeCell(value)).toThrow('not an integer');
  });
});

describe('unescapeText', () => {
  it('takes away one apostrophe, at the start', () => {
    expect(["'=1", "''x", "o'clock", ''].map(unescapeText)).toEqual(['=1', "'x", "o'clock", '']);
  });
});

describe('csvLine', () => {
  it('separates with commas and ends with CRLF', () => {
    expect(csvLine(['a', null, '', 1])).toBe('a,,"",1\r\n');
  });
});
