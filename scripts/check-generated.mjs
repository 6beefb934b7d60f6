// Fails when a generated file no longer says what its source does: docs/commands, docs/errors.md, and the JSON Schema
// of the configuration. (dist/ and oclif.manifest.json are not kept in the repository; they are rebuilt when stale.)
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt, root, runOrExit } from './setup.mjs';

ensureBuilt();
const tsx = join(root, 'node_modules', 'tsx', 'dist', 'cli.mjs');
for (const name of ['generate-docs.ts', 'generate-config-schema.ts']) {
  const script = join(root, 'scripts', name);
  if (existsSync(script)) runOrExit(process.execPath, [tsx, script, '--check']);
}
