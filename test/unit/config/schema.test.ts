// What a configuration may hold, and that a refusal names the place and never a secret.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { configSchema, validateConfig } from '../../../src/config/schema.ts';
import { BursarError } from '../../../src/errors.ts';

const FULL = {
  $schema: './schemas/bursar.config.schema.json',
  books: {
    main: { url: './book.db' },
    shared: { url: 'postgres://host:5432/books' },
    hidden: { url: { env: 'BOOK_URL' } },
  },
  gateways: {
    sim: {
      type: 'simulated',
      url: 'http://127.0.0.1:8480',
      timeoutMs: 2000,
      latencyMs: 0,
      seed: 7,
      keyRetentionMs: 86_400_000,
      maxConcurrency: 8,
      rateLimitPerSecond: 50,
      listLagMs: 0,
    },
  },
  policies: {
    gentle: { soft: ['2 days', '1 week', '12 hours'], maxAttempts: 3, maxAgeDays: 20, hourOfDay: 10 },
    quick: { soft: [], transport: { baseMs: 500, capMs: 60_000, maxAttempts: 5 } },
  },
  timezone: 'Europe/Berlin',
  defaultGateway: 'sim',
  actor: 'ops',
};

function refusalOf(value: unknown): BursarError {
  try {
    validateConfig(value, 'c.json');
  } catch (error) {
    if (error instanceof BursarError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('validateConfig', () => {
  it('takes every setting, and nothing', () => {
    expect(validateConfig(FULL, 'c.json')).toEqual(FULL);
    expect(validateConfig({}, 'c.json')).toEqual({});
  });

  it.each([
    [{ book: {} }, 'c.json: book is', 'books'],
    [{ gateways: { sim: { type: 'simulated', timeoutms: 1 } } }, 'c.json: gateways.sim.timeoutms is', 'timeoutMs'],
    [{ books: { main: { uri: 'x' } } }, 'c.json: books.main.uri is', 'url'],
    [{ policies: { p: { soft: [], transport: { base: 1 } } } }, 'c.json: policies.p.transport.base is', 'baseMs'],
  ])('suggests the nearest setting: %j', (value, message, nearest) => {
    const error = refusalOf(value);
    expect(error.code).toBe('invalid_config');
    expect(error.message).toContain(message);
    expect(error.hint).toContain(`Did you mean ${nearest}?`);
  });

  it.each(['http://localhost:1', 'http://[::1]:8480/', 'https://bank.example'])('takes a bank at %s', (url) => {
    expect(() => validateConfig({ gateways: { g: { type: 'simulated', url } } }, 'c.json')).not.toThrow();
  });

  it.each([
    [[], 'the top level'],
    [null, 'the top level'],
    [{ books: { main: {} } }, 'books.main.url'],
    [{ books: { 'a/b': { url: 'x' } } }, 'books.a/b'],
    [{ gateways: { g: { type: 'unheard' } } }, 'gateways.g.type'],
    [{ gateways: { g: { type: 'simulated', timeoutMs: -1 } } }, 'gateways.g.timeoutMs'],
    // In the clear to another machine, more than an origin, another protocol, no address.
    ...[
      'http://10.1.2.3:8480',
      'http://bank.example',
      'http://127.0.0.1:8480/v1',
      'https://me@bank.example',
      'ftp://127.0.0.1',
      '127.0.0.1',
    ].map((url): [object, string] => [{ gateways: { g: { type: 'simulated', url } } }, 'gateways.g.url']),
    [{ gateways: { g: { type: 'simulated', timeoutMs: 1.5 } } }, 'gateways.g.timeoutMs'],
    [{ policies: { p: { soft: ['3 dys'] } } }, 'policies.p.soft.0'],
    [{ policies: { none: { soft: ['1 day'] } } }, 'policies'],
    [{ policies: { p: { soft: [], hourOfDay: 24 } } }, 'policies.p.hourOfDay'],
    [{ timezone: 'Mars/Olympus' }, 'timezone'],
    [JSON.parse('{"books":{"__proto__":{"url":"x"}}}'), '__proto__'],
  ])('names the place: %j', (value, place) => {
    const error = refusalOf(value);
    expect(error.code).toBe('invalid_config');
    expect(error.message).toContain(`c.json: ${place}`);
  });

  const random = 'Zk3vQ9xT1bLw8RfYp2HsJ6mNc4GdA7uEo5Xi0KqV';

  it.each([
    [{ actor: 'sk_live_4eC39HqLyjWD' }],
    [{ actor: 'key rk_test_4eC39HqLyjWD' }],
    [{ actor: 'whsec_abcdef' }],
    [{ actor: 'EAAAEOuLQObrVwJvCvoio3H' }],
    [{ actor: random }],
    [{ actor: 'a94a8fe5ccb19ba61c4c0873d391e987982fbbd3' }],
    [{ gateways: { g: { type: 'simulated', apiKey: 'hunter2' } } }],
    [{ webhookSecret: 'hunter2' }],
    [{ gateways: { g: { ACCESS_TOKEN: 'hunter2' } } }],
    [{ db: { password: 'hunter2' } }],
    [{ [random]: {} }],
    [{ books: { main: { url: { env: 'sk_test_hunter2' } } } }],
    [{ books: { main: { url: 'postgres://ops:hunter2@host/books' } } }],
    [{ books: { main: { url: 'postgres://host/books?password=hunter2' } } }],
  ])('refuses a literal secret and never repeats it: %#', (value) => {
    const error = refusalOf(value);
    expect(error.code).toBe('literal_secret');
    expect(error.hint).toContain('{"env": "NAME"}');
    const told = `${error.message}${error.hint}`;
    for (const part of ['hunter2', '4eC39', 'abcdef', 'EAAA', random, 'a94a8']) expect(told).not.toContain(part);
  });

  it('takes names of variables and long names that are no secrets', () => {
    const url = '/srv/Payments2027/customers/production/books/Europe1/ledger-of-the-shop.db';
    const value = {
      actor: 'nightly-billing-of-the-northern-region-shops',
      books: { keys: { url }, token: { url: { env: 'BURSAR_KEY' } } },
    };
    expect(validateConfig(value, 'c.json')).toEqual(value);
  });

  it.each([
    [{ actor: '4242 4242 4242 4242' }],
    [{ books: { main: { url: './4242424242424242.db' } } }],
    [{ '4242424242424242': 1 }],
    [{ gateways: { g: { type: 'simulated', seed: 4242424242424242 } } }],
  ])('refuses a card number and never repeats it: %#', (value) => {
    const error = refusalOf(value);
    expect(error.code).toBe('card_number');
    expect(`${error.message}${error.hint}`).not.toContain('4242');
  });
});

describe('schemas/bursar.config.schema.json', () => {
  it('is what the schema gives', () => {
    const path = new URL('../../../schemas/bursar.config.schema.json', import.meta.url);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(z.toJSONSchema(configSchema, { target: 'draft-2020-12' }));
  });
});
