// Runs every *.transcript beside this file; `UPDATE_TRANSCRIPTS=1 npm test -- test/transcripts` rewrites them.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/cli.ts';
import { runTranscript } from '../support/transcript.ts';

const folder = import.meta.dirname;

for (const name of readdirSync(folder)
  .filter((file) => file.endsWith('.transcript'))
  .sort()) {
  test.concurrent(name, async () => {
    const work = await temporaryFolder();
    try {
      const { expected, actual } = await runTranscript(join(folder, name), work.path);
      expect(actual).toBe(expected);
    } finally {
      await work.remove();
    }
  });
}
