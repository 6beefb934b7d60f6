// What bursar.config.json may hold. Loading this file loads zod (50 ms on Node 20.20), so only a changed config does:
// see load.ts. Nothing here may transform or fill in: a config that was accepted before is used as it was parsed.
import { closest } from 'fastest-levenshtein';
import { z } from 'zod';
import { BursarError } from '../errors.ts';
import { findPan } from '../money/pan.ts';
import { isLoopback } from './loopback.ts';
import { faultAt, schemaWords } from './schema-words.ts';

const name = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,62}$/, 'a name is letters, digits, - and _, from a letter');
const milliseconds = z
  .int()
  .min(0)
  .max(86_400_000 * 366);
const count = z.int().min(1).max(1_000_000);
const delay = z
  .string()
  .regex(
    /^[1-9][0-9]{0,3} (minute|hour|day|week)s?$/,
    'a delay is a number and a unit, such as "3 days" or "12 hours"',
  );

const timezone = z.string().refine(isTimezone, 'not a time zone; an IANA name is expected, such as Europe/Berlin');

const secretReference = z
  .strictObject({ env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'not a name of an environment variable') })
  .describe('The name of the environment variable that holds the value.');

const book = z.strictObject({
  url: z
    .union([z.string().min(1), secretReference], 'a path, a URL, or {"env": "NAME"}')
    .describe("A path of an SQLite file, from this file's folder, or a postgres:// URL without a password."),
});

const simulatedGateway = z.strictObject({
  type: z.literal('simulated'),
  url: z
    .string()
    .refine(isBankUrl, 'not an address of a bank; http://127.0.0.1:8480 is one, and https:// from other machines')
    .optional()
    .describe(
      'Where "bursar bank serve" serves this bank: http:// on this machine, https:// elsewhere. Without it, each command opens the bank beside its book.',
    ),
  timeoutMs: milliseconds.min(1).optional(),
  latencyMs: milliseconds.optional(),
  seed: z.int().min(0).optional(),
  keyRetentionMs: milliseconds.optional(),
  maxConcurrency: count.optional().describe('How many requests a run sends to it at a time; 64 by default.'),
  maxPerSecond: count
    .optional()
    .describe(
      'How many requests a second a run sends to it at most, spread evenly: the rate limit that the provider publishes.',
    ),
  rateLimitPerSecond: count.optional(),
  listLagMs: milliseconds.optional(),
  clockOffsetMs: z
    .int()
    .min(-86_400_000 * 366)
    .max(86_400_000 * 366)
    .optional()
    .describe('What the Date header of its answers is off by: a drill for a clock that is wrong.'),
  paymentObject: z
    .enum(['charge', 'attempt'])
    .optional()
    .describe(
      'One payment object per charge, which collects once and can be closed (the default); or one per attempt, as at providers whose payments are one-shot, where nothing but bursar keeps a charge from being collected twice.',
    ),
});

const policy = z.strictObject({
  soft: z.array(delay).max(50).describe('What to wait after the first soft decline, after the second, and so on.'),
  maxAttempts: count
    .optional()
    .describe('Soft declines after which there is no retry; one more than delays by default.'),
  maxAgeDays: z.number().positive().max(3660).optional(),
  hourOfDay: z
    .int()
    .min(0)
    .max(23)
    .optional()
    .describe("Hour of the customer's day that retries after a day or more wait for."),
  transport: z
    .strictObject({
      baseMs: milliseconds.min(1).optional(),
      capMs: milliseconds.min(1).optional(),
      maxAttempts: count.optional(),
    })
    .optional(),
});

export const configSchema = z
  .strictObject({
    $schema: z.string().optional(),
    books: z.record(name, book).optional(),
    gateways: z.record(name, simulatedGateway).optional(),
    policies: z
      .record(name, policy)
      .refine((policies) => !Object.hasOwn(policies, 'none'), 'the policy "none" always means no retry')
      .optional(),
    timezone: timezone.optional(),
    defaultGateway: name.optional(),
    actor: z.string().min(1).max(200).optional(),
  })
  .meta({ title: 'bursar.config.json', description: 'Configuration of bursar, payments operations for the terminal.' });

export type Config = z.infer<typeof configSchema>;
export type PolicyConfig = z.infer<typeof policy>;
export type GatewayConfig = z.infer<typeof simulatedGateway>;

/**
 * Refuses what the schema does not allow: BursarError `literal_secret`, `card_number` or `invalid_config`, which name
 * the file and the place in it, and never a value. `file` is only for messages.
 */
export function validateConfig(value: unknown, file: string): Config {
  refuseSecrets(value, [], file);
  const result = configSchema.safeParse(value, { error: schemaWords });
  if (result.success) return result.data;
  // A misspelt setting comes first: what is missing in its place is often the same mistake.
  const { issues } = result.error;
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (issue === undefined)
    throw new BursarError('invalid_config', `${file} is not a valid configuration. Nothing was done.`);
  const more = issues.length - 1;
  const others = more === 0 ? '' : ` (and ${more} more)`;
  if (issue.code === 'unrecognized_keys') {
    const unknown = issue.keys[0] ?? '';
    const known = knownKeys(configSchema, issue.path);
    throw new BursarError(
      'invalid_config',
      `${file}: ${placeOf([...issue.path, unknown])} is not a known setting${others}. Nothing was done.`,
      {
        hint:
          known.length === 0
            ? 'Remove it.'
            : `Did you mean ${closest(unknown, known)}? Known here: ${known.join(', ')}.`,
      },
    );
  }
  const reason = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  throw new BursarError(
    'invalid_config',
    `${file}: ${faultAt(placeOf(issue.path), reason)}${others}. Nothing was done.`,
    {
      hint: 'schemas/bursar.config.schema.json tells editors what each setting takes.',
    },
  );
}

/** Keys that the object at `path` may have. */
function knownKeys(schema: unknown, path: readonly PropertyKey[]): string[] {
  let at: unknown = schema;
  for (const key of [...path, null]) {
    while (at instanceof z.ZodOptional) at = at.unwrap();
    if (key === null) break;
    if (at instanceof z.ZodObject) at = at.shape[String(key)];
    else if (at instanceof z.ZodRecord) at = at.valueType;
    else return [];
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

/** Keys as marked by providers: Stripe's secret, restricted and webhook keys, Square's access tokens. */
const MARKED_SECRET = /(?:sk|rk)_(?:live|test)_[A-Za-z0-9]|whsec_[A-Za-z0-9]|EAAA[A-Za-z0-9_-]{8}/;
const SECRET_NAME = /secret|key|token|password/i;

/** Whether text is what a generator of keys makes: 40 characters and more, hexadecimal or of all three kinds. */
function looksRandom(text: string): boolean {
  if (!/^[A-Za-z0-9+/=_-]{40,}$/.test(text) || /^[/~.]/.test(text)) return false;
  return /^[0-9a-f]+$/i.test(text) || [/[a-z]/, /[A-Z]/, /[0-9]/].every((kind) => kind.test(text));
}

function isUrlWithPassword(text: string): boolean {
  return (
    /^[a-z][a-z0-9+.-]*:\/\/[^/?#@]*:[^/?#]+@/i.test(text) || /^[a-z][a-z0-9+.-]*:\/\/.*[?&]password=[^&]/i.test(text)
  );
}

/** Refuses secrets and card numbers anywhere, in settings that nobody knows too, before anything else is said of them. */
function refuseSecrets(value: unknown, path: readonly string[], file: string): void {
  if (typeof value === 'string' || typeof value === 'number') {
    const text = String(value);
    if (findPan(text)) throw cardNumber(`${file}: ${placeOf(path)}`);
    if (typeof value === 'number') return;
    const isNamedSecret = SECRET_NAME.test(path.at(-1) ?? '') && text !== '';
    if (isNamedSecret || MARKED_SECRET.test(text) || looksRandom(text) || isUrlWithPassword(text)) {
      throw literalSecret(`${file}: ${placeOf(path)}`);
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      // A key is not repeated either where it is itself the secret.
      if (findPan(key)) throw cardNumber(`${file}: a key in ${placeOf(path)}`);
      if (MARKED_SECRET.test(key) || looksRandom(key)) throw literalSecret(`${file}: a key in ${placeOf(path)}`);
      // zod drops this key without a word.
      if (key === '__proto__')
        throw new BursarError('invalid_config', `${file}: __proto__ is not a name of anything. Nothing was done.`);
      refuseSecrets(inner, [...path, key], file);
    }
  }
}

function literalSecret(where: string): BursarError {
  return new BursarError('literal_secret', `${where} holds what looks like a secret. The configuration was not used.`, {
    hint: 'Put the secret into an environment variable and name it here: {"env": "NAME"}. Replace the secret if others could read the file.',
  });
}

function cardNumber(where: string): BursarError {
  return new BursarError(
    'card_number',
    `${where} holds what looks like a card number. The configuration was not used.`,
    {
      hint: 'Remove it; card numbers have no place in a configuration.',
    },
  );
}

/** `gateways.sim.timeoutMs`, without control characters. */
function placeOf(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the top level';
  return path
    .map((key) =>
      String(key)
        .replace(/[\p{C}]/gu, '')
        .slice(0, 60),
    )
    .join('.');
}

/** An origin and nothing else; in the clear only where it never leaves the machine. */
function isBankUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (text !== url.origin && text !== `${url.origin}/`)) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
}

function isTimezone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: text }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
