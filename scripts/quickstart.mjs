// `npm run quickstart`: from a fresh clone to a billed month in ./demo. Every step is skipped that is already done.
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, root, runOrExit } from './setup.mjs';

ensureInstalled();
ensureBuilt();
runOrExit(process.execPath, [join(root, 'bin', 'run.js'), 'demo', './demo', ...process.argv.slice(2)]);
