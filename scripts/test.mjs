// `npm test`: installs and builds what is missing, runs vitest, and ends with one plain line that a script can read.
//   node scripts/test.mjs [--soak] [--counts FILE] [vitest's own filters and options]
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureFaultTools } from './fault-tools.mjs';
import { ensureBuilt, ensureInstalled, root } from './setup.mjs';

const { soak, counts: countsFile, rest } = readArguments(process.argv.slice(2));
ensureInstalled();
ensureBuilt();
const withoutFaults = faultTestsLeftOut(rest);

const folder = mkdtempSync(join(tmpdir(), 'bursar-test-'));
const report = join(folder, 'report.json');
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
const { status } = spawnSync(process.execPath, [vitest, 'run', ...reporters, ...withoutFaults, ...rest], {
  cwd: root,
  stdio: 'inherit',
  env: soak ? { ...process.env, BURSAR_SOAK: '1' } : process.env,
});
const { passed, failed } = count(report, status);
rmSync(folder, { recursive: true, force: true });
// With --counts several runs are added up by whoever asked, who then prints the closing line.
if (countsFile !== null) appendFileSync(countsFile, `${passed} ${failed}\n`);
else console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

// Without the programs that provoke the faults their tests can't run: said aloud, and a failure where they are required
// (BURSAR_FAULT_TOOLS=required, as CI has it).
function faultTestsLeftOut(filters) {
  if (filters.some((word) => word.startsWith('test/')) && !filters.some((word) => word.startsWith('test/faults')))
    return [];
  const missing = ensureFaultTools();
  if (missing.length === 0) return [];
  console.error(`The tests in test/faults are left out, since these programs are missing: ${missing.join(', ')}.`);
  if (process.env.BURSAR_FAULT_TOOLS === 'required') process.exit(1);
  return ['--exclude', 'test/faults/**'];
}

// A file that could not be loaded, and a run that ended badly for any other reason, count as one failure each.
function count(file, exitStatus) {
  if (!existsSync(file)) return { passed: 0, failed: 1 };
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(file, 'utf8'));
  const unloaded = testResults.filter(
    (result) => result.status === 'failed' && !result.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const found = numFailedTests + unloaded;
  return { passed: numPassedTests, failed: found === 0 && exitStatus !== 0 ? 1 : found };
}

function readArguments(argv) {
  const options = { soak: false, counts: null, rest: [] };
  const words = argv.values();
  for (const word of words) {
    if (word === '--soak') options.soak = true;
    else if (word === '--counts') options.counts = words.next().value ?? null;
    else options.rest.push(word);
  }
  return options;
}
