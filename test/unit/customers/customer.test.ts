// What a customer's name and address, and a card's brand and digits, may be.
import { expect, test } from 'vitest';
import { assertText, brandFault, emailFault, last4Fault, nameFault } from '../../../src/customers/customer.ts';

test.each(['Ada', "O'Neill", 'Łukasz', '株式会社', '👩‍🚀', 'x'.repeat(200), '🏦'.repeat(200), 'Anne-Marie d’Été, Jr.'])(
  'the name %j',
  (name) => expect(nameFault(name)).toBeNull(),
);

test.each(['', '  ', 'a\tb', 'a\nb', '\u001b[31m', 'a\u0085b', 'a\u2028b', 'a\u202eb', 'a\ud800', 'x'.repeat(201)])(
  'not the name %j',
  (name) => expect(nameFault(name)).not.toBeNull(),
);

test.each(['a@b.co', 'ada.lovelace+books@mail.example.com', 'ü@exämple.de', "o'neill@example.ie"])(
  'the address %j',
  (email) => expect(emailFault(email)).toBeNull(),
);

test.each([
  '',
  'ada',
  'ada@',
  '@b.co',
  'a@b',
  'a@b.',
  'a@.b',
  'a@b..c',
  'a b@c.de',
  'a@b.co, c@d.eu',
  '<a@b.co>',
  'a@b@c.de',
])('not the address %j', (email) => expect(emailFault(email)).not.toBeNull());

test('brands and last digits', () => {
  expect(['visa', 'American Express', 'x_1-2'].map(brandFault)).toEqual([null, null, null]);
  expect(['', '1x', '<b>', 'x'.repeat(31)].map(brandFault)).not.toContain(null);
  expect(last4Fault('0042')).toBeNull();
  expect(['', '042', '00042', '42x2', '٤٢٤٢'].map(last4Fault)).not.toContain(null);
});

test('a card number is refused before anything else is said of it', () => {
  const refused = (text: string) => () => assertText('--name', text, nameFault);
  expect(refused('Ada 4242 4242 4242 4242\n')).toThrowError(expect.objectContaining({ code: 'card_number' }));
  expect(refused('a\nb')).toThrowError(expect.objectContaining({ code: 'invalid_value' }));
});
