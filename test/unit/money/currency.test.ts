// The currency table against ISO 4217's own list one, which ships beside the package's data.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { BursarError } from '../../../src/errors.ts';
import { currencyCodes, exponentOf, parseCurrency } from '../../../src/money/currency.ts';

/** Code to minor units as ISO publishes them: a number, or `N.A.`. */
function publishedMinorUnits(): Map<string, string> {
  const list = readFileSync(createRequire(import.meta.url).resolve('currency-codes/iso-4217-list-one.xml'), 'utf8');
  const entries = list.matchAll(/<Ccy>([A-Z]{3})<\/Ccy>[\s\S]*?<CcyMnrUnts>([^<]+)<\/CcyMnrUnts>/g);
  return new Map([...entries].map(([, code = '', units = '']) => [code, units]));
}

function refusalOf(act: () => unknown): BursarError {
  try {
    act();
  } catch (error) {
    if (error instanceof BursarError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('exponentOf', () => {
  it('gives the minor units of every currency on list one, and refuses every code without', () => {
    const published = publishedMinorUnits();
    expect(published.size).toBeGreaterThan(170);
    for (const [code, units] of published) {
      if (units === 'N.A.') expect(refusalOf(() => exponentOf(code)).code, code).toBe('invalid_currency');
      else expect(exponentOf(code), code).toBe(Number(units));
    }
  });

  it.each([
    ['USD', 2],
    ['JPY', 0],
    ['ISK', 0],
    ['HUF', 2],
    ['KWD', 3],
    ['CLF', 4],
    ['UYW', 4],
    ['XCG', 2],
    ['XAD', 2],
  ])('%s has %d decimals', (code, decimals) => {
    expect(exponentOf(code)).toBe(decimals);
  });
});

describe('parseCurrency', () => {
  it('takes any case', () => {
    expect(['usd', 'Eur', 'JPY'].map(parseCurrency)).toEqual(['USD', 'EUR', 'JPY']);
  });

  it.each(['', 'US', 'USDD', ' USD', 'U$D', 'UſD', '840', 'constructor', 'ZWL'])('refuses %j', (text) => {
    expect(refusalOf(() => parseCurrency(text)).code).toBe('invalid_currency');
  });

  it.each([
    ['USX', 'USD'],
    ['GPB', 'GBP'],
    ['EURO', 'EUR'],
  ])('suggests the nearest code for %s', (text, nearest) => {
    expect(refusalOf(() => parseCurrency(text)).hint).toContain(`Did you mean ${nearest}?`);
  });

  it.each(['XAU', 'xxx', 'XTS', 'XDR'])('says why %s is no money', (text) => {
    expect(refusalOf(() => parseCurrency(text)).message).toContain('without a minor unit');
  });

  it('shows no control characters and no long text', () => {
    const { message } = refusalOf(() => parseCurrency(`\u001b[31m${'A'.repeat(500)}`));
    expect(message).not.toContain('\u001b');
    expect(message.length).toBeLessThan(80);
  });

  it('lists what it takes, in order and without metals', () => {
    const codes = currencyCodes();
    expect(codes).toEqual([...codes].sort());
    expect(codes).toContain('USD');
    expect(codes).not.toContain('XAU');
  });
});
