// `npm run quickstart`: from a fresh clone to a billed month in ./demo (or ./demo-2 and so on, where one is there already).
// Every step is skipped that is already done.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, root, runOrExit } from './setup.mjs';

ensureInstalled();
ensureBuilt();
runOrExit(process.execPath, [join(root, 'bin', 'run.js'), 'demo', freeFolder(), ...process.argv.slice(2)]);

function freeFolder() {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? 'demo' : `demo-${number}`;
    const folder = join(root, name);
    if (!existsSync(folder) || readdirSync(folder).length === 0) return `./${name}`;
  }
}
