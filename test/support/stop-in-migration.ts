// Migrates, or makes, the book that it is given, says so right before the commit, and then waits to be killed.
import { openSqlite } from '../../src/storage/dialect.ts';
import { migrateBook } from '../../src/storage/migrate.ts';
import { createBook } from '../../src/storage/open.ts';

const [what = '', path = ''] = process.argv.slice(2);

async function stop(): Promise<void> {
  console.log('stopped');
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}

if (what === 'create') await createBook(path, 'test', Date.now(), stop);
else await migrateBook(openSqlite(path, 'write'), { record: stop });
