#!/usr/bin/env node
// The installed command: runs what `npm run build` made.
import module from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

keepCompiled();
const { main } = await import('../dist/main.js');
await main(process.argv.slice(2), fileURLToPath(new URL('..', import.meta.url)));

// From Node 22.8 on. Not in the folder for temporary files, Node's own choice: what lies there others may have put there,
// and it would be run. Without it a start only takes longer.
function keepCompiled() {
  try {
    module.enableCompileCache?.(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'bursar', 'compiled'));
  } catch {
    return;
  }
}
