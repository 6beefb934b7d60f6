// Runs from source, unbuilt: `npx tsx bin/dev.ts charges list`. Slower to start, since there is no manifest.
import { fileURLToPath } from 'node:url';
import { main } from '../src/main.ts';

await main(process.argv.slice(2), fileURLToPath(new URL('../src', import.meta.url)), {
  commands: './commands',
  notFound: './cli/command-not-found.ts',
  help: './cli/help.ts',
});
