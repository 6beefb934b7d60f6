// Runs command lines of the built CLI one after the other in one process, told by its parent, and answers with what each
// printed and how it ended: some thirty times as many in a minute as with a process for each.
import { main } from '../../dist/main.js';

const root = new URL('../../', import.meta.url).pathname;
process.setMaxListeners(0);
process.stdout.setMaxListeners(0);
process.stderr.setMaxListeners(0);
let printed = '';
for (const stream of [process.stdout, process.stderr]) {
  stream.write = (text, ...rest) => {
    printed += typeof text === 'string' ? text : Buffer.from(text).toString('utf8');
    for (const done of rest) if (typeof done === 'function') done();
    return true;
  };
}

process.on('message', async (argv) => {
  printed = '';
  process.exitCode = 0;
  await main(argv, root);
  process.removeAllListeners('uncaughtException');
  process.send({ printed, code: process.exitCode ?? 0 });
});
