// The tokens of the simulated bank: which there are, and what is refused when a method is added.
import { describe, expect, it } from 'vitest';
import { DECLINES } from '../../../src/gateways/declines.ts';
import { tokenBehaviour, validateToken } from '../../../src/gateways/simulated/tokens.ts';

describe('validateToken', () => {
  it.each(['tok_approved', 'tok_flaky:0', 'tok_flaky:0.3', 'tok_flaky:1', 'tok_slow:2s', 'tok_slow:300ms'])(
    'takes %s',
    (token) => expect(() => validateToken(token)).not.toThrow(),
  );

  it.each(Object.keys(DECLINES))('has a token for %s', (decline) => {
    expect(tokenBehaviour(`tok_${decline}`)?.decision).toEqual({ kind: 'decline', decline });
  });

  it.each(['tok_flaky:7', 'tok_flaky:', 'tok_flaky:-1', 'tok_slow:2', 'tok_slow:900s', 'tok_aproved', '', '__proto__'])(
    'refuses "%s" and lists the tokens',
    (token) => {
      const hint = expect.stringContaining('tok_approved');
      expect(() => validateToken(token)).toThrow(expect.objectContaining({ code: 'invalid_value', hint }));
    },
  );
});
