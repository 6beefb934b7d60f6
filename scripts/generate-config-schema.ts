// Writes schemas/bursar.config.schema.json, which editors complete and check a configuration by, out of the zod schema.
// `--check` writes nothing and exits 1 where the file is not what would be written.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { configSchema } from '../src/config/schema.ts';

const target = fileURLToPath(new URL('../schemas/bursar.config.schema.json', import.meta.url));
const fresh = `${JSON.stringify(z.toJSONSchema(configSchema, { target: 'draft-2020-12' }), null, 2)}\n`;

if (process.argv.includes('--check')) {
  if (!existsSync(target) || readFileSync(target, 'utf8') !== fresh) {
    process.stderr.write(`${target} is stale: run npx tsx scripts/generate-config-schema.ts\n`);
    process.exitCode = 1;
  }
} else {
  mkdirSync(fileURLToPath(new URL('../schemas', import.meta.url)), { recursive: true });
  writeFileSync(target, fresh);
}
