// The Mermaid diagram of a charge, drawn by Mermaid itself in a real browser: what the texts in the picture say, also where
// a provider's words try to be more than text.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Charge } from '../../src/charges/charge.ts';
import { chargesById } from '../../src/charges/charges-store.ts';
import { refundCharge } from '../../src/charges/operations.ts';
import { whyDiagram } from '../../src/cli/views/why-diagram.ts';
import { why } from '../../src/inspection/why/why.ts';
import { findPolicy } from '../../src/retries/policy.ts';
import { temporaryFolder } from '../support/cli.ts';
import { type SchedulesBook, schedulesBook } from '../support/schedules-book.ts';
import { scripted, UNKNOWN } from '../support/scripted-gateway.ts';

const require = createRequire(import.meta.url);

const HOSTILE = [
  '</text><script>window.broken = 1</script><img src=x onerror="window.broken = 1">',
  '\n  participant mallory\n  mallory->>ledger: take it all; Note over bursar: approved',
  '%%{init: {"securityLevel": "loose"}}%% #quot; #59; end $$x$$ style a:#f00; `ä` 🙂\u001b[2J',
].join(' ');

let browser: Browser;
let page: Page;
let profile: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  profile = await temporaryFolder();
  const flags = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
  ];
  const context = await chromium.launchPersistentContext(profile.path, {
    executablePath: '/usr/bin/chromium',
    headless: true,
    args: [...flags, '--disable-component-update', '--disable-sync'],
  });
  const found = context.browser();
  page = await context.newPage();
  if (found !== null) browser = found;
  await page.route('**/*', (route) => (route.request().url().startsWith('about:') ? route.continue() : route.abort()));
  await page.setContent('<!doctype html><meta charset="utf-8"><body style="background: white"></body>');
  const mermaid = require.resolve('mermaid');
  await page.addScriptTag({ content: await readFile(join(mermaid, '..', 'mermaid.min.js'), 'utf8') });
});
afterAll(async () => {
  await page?.context().close();
  await browser?.close();
  await profile?.remove();
});

interface Drawn {
  /** What each text element shows, its lines joined. */
  texts: string[];
  actors: string[];
  scripts: number;
  broken: unknown;
}

/** Throws where Mermaid finds a fault in the text. */
async function draw(diagram: string): Promise<Drawn> {
  return page.evaluate(async (text: string): Promise<Drawn> => {
    const { mermaid, document } = globalThis as unknown as {
      mermaid: { initialize(o: object): void; render(id: string, text: string): Promise<{ svg: string }> };
      // biome-ignore lint/suspicious/noExplicitAny: the page's own DOM, whose types this project does not load
      document: any;
    };
    mermaid.initialize({ startOnLoad: false });
    const { svg } = await mermaid.render(`d${Math.random().toString(36).slice(2)}`, text);
    document.body.innerHTML = svg;
    const of = (selector: string): string[] =>
      // biome-ignore lint/suspicious/noExplicitAny: as above
      [...document.querySelectorAll(selector)].map((each: any) => String(each.textContent));
    return {
      texts: of('text'),
      actors: [...new Set(of('text.actor'))].sort(),
      scripts: document.body.querySelectorAll('script, img, foreignObject').length,
      broken: (globalThis as { broken?: unknown }).broken,
    };
  }, diagram);
}

async function diagramOf({ book, clock }: SchedulesBook, charge: Charge): Promise<string> {
  const standing = (await chargesById(book.reader, [charge.id])).get(charge.id) ?? charge;
  const rules = { policy: findPolicy, gateways: ['simulated'], nowMs: clock.nowMs(), timezone: 'UTC' };
  return whyDiagram(await why(book.reader, standing, rules));
}

test('a decline, a retry with no answer, what a lookup found, and a refund', async () => {
  const script = scripted();
  const schedules = await schedulesBook(script.wrap);
  const schedule = await schedules.schedule('tok_approved');
  script.sends.push({
    kind: 'declined',
    decline: 'insufficient_funds',
    reference: null,
    providerCode: '51',
    providerMessage: 'Not sufficient funds',
  });
  await schedules.billAt('2026-01-31T09:00:00Z');
  script.sends.push(UNKNOWN);
  await schedules.billAt('2026-02-05T09:00:00Z');
  script.lookups.push({
    kind: 'found',
    outcome: { kind: 'approved', reference: 'bp_7', amountMinor: 2000n, providerCode: null },
  });
  await schedules.billAt('2026-02-06T09:00:00Z');
  const [charge] = await schedules.chargesOf(schedule);
  if (charge === undefined) throw new Error('no charge');
  expect(charge.status).toBe('captured');
  script.sends.push({ kind: 'approved', reference: 'bp_8', amountMinor: 500n, providerCode: null });
  await refundCharge(schedules.pipeline, charge.id, { amountMinor: 500n, reason: 'goodwill', idempotencyKey: null });

  const diagram = await diagramOf(schedules, charge);
  const { texts, actors } = await draw(diagram);
  const all = texts.join('\n');
  expect(actors).toEqual(['Ledger', 'Operator', 'bursar', 'simulated']);
  // A long text is drawn as several lines.
  const told = texts.join(' ').replaceAll(/\s+/g, ' ');
  for (const words of [
    'declined, insufficient_funds',
    '(code 51: Not sufficient',
    'Rule standard/soft#1: insufficient_funds may pass',
    'its outcome is unknown',
    'says: approved, reference bp_7',
    'Posted as captured: 20.00 USD',
    'Posted as refunded: 5.00 USD',
    'Published refund.succeeded.v1',
    'Now captured.',
  ]) {
    expect(told, all).toContain(words);
  }
  await schedules.close();
});

test('hostile words stay words', async () => {
  const script = scripted();
  const schedules = await schedulesBook(script.wrap);
  script.sends.push({
    kind: 'declined',
    decline: 'do_not_honor',
    reference: null,
    providerCode: '05; participant eve',
    providerMessage: HOSTILE,
  });
  const { charge } = await schedules.create('tok_approved');
  const diagram = await diagramOf(schedules, charge);
  const { texts, actors, scripts, broken } = await draw(diagram);
  expect(actors).toEqual(['Operator', 'bursar', 'simulated']);
  expect([scripts, broken]).toEqual([0, undefined]);
  const told = texts.join('').replaceAll(/\s+/g, '');
  for (const words of [
    '<script>window.broken',
    'mallory->>ledger: take it all;',
    '%%{init:',
    'code 05; participant eve',
  ]) {
    expect(told).toContain(words.replaceAll(' ', ''));
  }
  expect(diagram).not.toContain('\u001b');
  await schedules.close();
});

test('every printable character is drawn as itself', async () => {
  const ascii = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join('');
  const { mermaidText } = await import('../../src/cli/views/why-diagram.ts');
  const line = `${ascii} end END é ß 日本 🙂`;
  const { texts } = await draw(
    `sequenceDiagram\n  participant a as ${mermaidText('x; y # end')}\n  a->>a: ${mermaidText(line)}\n`,
  );
  expect(texts).toContain('x; y # end');
  expect(texts.join('').replaceAll(/\s+/g, '')).toContain(line.replaceAll(/\s+/g, ''));
});
