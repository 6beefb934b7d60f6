// Exports the audit log of a book and tells how much memory that took: the other end of audit-export.test.ts.
import { exportAudit } from '../../src/audit/export.ts';
import { systemClock } from '../../src/clock.ts';
import { openBook } from '../../src/storage/open.ts';

const [path = '', out = '', kind] = process.argv.slice(2);
const book = await openBook(path);
const author = { actor: 'tester', host: 'here', command: 'audit export' };
const { rows } = await exportAudit(
  { book, clock: systemClock, author, forbidden: [] },
  {
    out,
    manifest: `${out}.manifest.json`,
    stdout: async () => undefined,
    format: 'csv',
    filter: kind === undefined ? {} : { kind },
    force: true,
    signal: new AbortController().signal,
  },
);
await book.close();
console.log(JSON.stringify({ rows, maxRssMb: process.resourceUsage().maxRSS / 1024 }));
