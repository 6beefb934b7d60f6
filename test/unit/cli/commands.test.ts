// Every command says in a line what it does, and shows an example that can be pasted.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from '@oclif/core';
import { expect, test } from 'vitest';

const folder = fileURLToPath(new URL('../../../src/commands', import.meta.url));
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

test.each(files)('%s', async (file) => {
  const { default: command }: { default: typeof Command } = await import(join(folder, file));
  const words = file.replace(/\.ts$/, '').replaceAll('/', ' ');
  expect(command.summary, 'a summary of one line').toMatch(/^[A-Z][^\n]*\.$/);
  const examples = (command.examples ?? []).map((example) => (typeof example === 'string' ? example : example.command));
  expect(examples.length, 'an example').toBeGreaterThan(0);
  for (const example of examples)
    expect(example).toMatch(new RegExp(`^<%= config.bin %> (<%= command.id %>|${words})( |$)`));
  for (const [name, flag] of Object.entries(command.flags ?? {}))
    expect(flag.summary ?? flag.description, `--${name}`).toBeTruthy();
});

test('commands were looked for in the right place', () => expect(folder).toContain('commands'));
