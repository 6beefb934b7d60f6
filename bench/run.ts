// `npm run bench [NAME…]`: each benchmark prints ratios against a floor measured in the same run, since on a shared
// machine times alone say little. Exits with 1 when a goal is missed.
import { cpus } from 'node:os';
import { ensureBuilt } from '../scripts/setup.mjs';

type Benchmark = () => Promise<boolean>;

/** Each answers whether its goals were met. */
const BENCHMARKS: Record<string, () => Promise<{ bench: Benchmark }>> = {
  'cold-start': () => import('./cold-start.ts'),
  bulk: () => import('./bulk.ts'),
  'billing-run': () => import('./billing-run.ts'),
  responsive: () => import('./responsive.ts'),
  import: () => import('./import.ts'),
  export: () => import('./export.ts'),
  check: () => import('./check.ts'),
  memory: () => import('./memory.ts'),
  growth: () => import('./growth.ts'),
  recovery: () => import('./recovery.ts'),
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in BENCHMARKS));
if (unknown.length > 0) {
  console.error(`No such benchmark: ${unknown.join(', ')}. There are: ${Object.keys(BENCHMARKS).join(', ')}`);
  process.exit(2);
}

ensureBuilt();
console.log(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${new Date().toISOString()}`,
);
for (const [name, load] of Object.entries(BENCHMARKS)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  console.log(`\n${name}`);
  const { bench } = await load();
  if (!(await bench())) process.exitCode = 1;
}
