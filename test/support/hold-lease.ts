// Takes a named lease of a book in a process of its own, tells its owner's id, and lives until it is killed or its
// input ends; then it gives the lease back.
import { systemClock } from '../../src/clock.ts';
import { Owner } from '../../src/storage/lease.ts';
import { openBook } from '../../src/storage/open.ts';

const [path = '', name = ''] = process.argv.slice(2);
const book = await openBook(path);
const owner = new Owner(book, systemClock, 'test');
const taken = await owner.acquire(name);
console.log(JSON.stringify({ taken, id: owner.id }));
process.stdin.resume().once('end', () => {
  void owner.release().then(() => book.close());
});
