// `npm run test:mutants`: applies one mutant at a time to a copy of the tree and requires that a test fails, by an assertion.
//   node scripts/mutants.mjs [--only WORD,WORD] [--list]
// Exits 1 if a mutant survives, no longer applies, or does not compile. BURSAR_SEED is the simulation's seed.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import ts from 'typescript';
import { MUTANTS } from './mutants-table.mjs';
import { ensureInstalled, root } from './setup.mjs';

const AT_ONCE = 2;
const SEED = process.env.BURSAR_SEED ?? '1';
const COPIED = ['src', 'migrations', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts'];
/** What is left unused by a mutation is no fault of it. */
const UNUSED_CODES = [6133, 6192, 6196];
/** A test that only took too long has noticed nothing. */
const TIMED_OUT = /(Test|Hook) timed out/;
/** Words of an error that is no assertion: the mutant broke the program instead of changing what it does. */
const BROKEN = /\b(ReferenceError|SyntaxError|is not a function|is not defined|Cannot find module)\b/;

ensureInstalled();
const argv = process.argv.slice(2);
const only = argv.includes('--only') ? argv[argv.indexOf('--only') + 1] : undefined;
const chosen = MUTANTS.filter(({ name }) => only === undefined || only.split(',').some((word) => name.includes(word)));
if (argv.includes('--list')) {
  for (const { name } of chosen) console.log(name);
  process.exit(0);
}
if (chosen.length === 0) {
  console.error(`There is no mutant whose name has "${only}". List them with: node scripts/mutants.mjs --list`);
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), 'bursar-mutants-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

const rows = [];
try {
  const mutated = chosen.map((mutant) => ({ ...mutant, ...mutate(mutant) }));
  assertCompiling(mutated.filter(({ fault }) => fault === undefined));
  await assertBaseline();
  const queue = [...mutated];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async (_, worker) => {
      const tree = copyTree(`worker-${worker}`);
      for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) await judge(mutant, tree);
    }),
  );
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
const order = new Map(chosen.map(({ name }, index) => [name, index]));
rows.sort((one, other) => order.get(one.name) - order.get(other.name));
const width = Math.max(...rows.map(({ name }) => name.length));
console.log(`\n${'mutant'.padEnd(width)}  seconds  caught by`);
for (const { name, seconds, by, fault } of rows) {
  console.log(`${name.padEnd(width)}  ${seconds.toFixed(1).padStart(7)}  ${fault ?? by}`);
}
const failed = rows.filter(({ fault }) => fault !== undefined).length;
console.log(`\n${rows.length - failed} of ${rows.length} mutants caught.`);
process.exitCode = failed > 0 ? 1 : 0;

/** The mutated text of each file, or why there is none. */
function mutate({ edits }) {
  const texts = new Map();
  for (const { file, find, replace } of edits) {
    const path = join(root, file);
    const text = texts.get(file) ?? (existsSync(path) ? readFileSync(path, 'utf8') : '');
    const times = text.split(find).length - 1;
    if (times !== 1) {
      return { texts, fault: `NOT APPLIED: its text stands ${times} times in ${file}, not once: ${find.slice(0, 60)}` };
    }
    texts.set(
      file,
      text.replace(find, () => replace),
    );
  }
  return { texts };
}

/** A mutant that doesn't compile would be caught by any test. One language service checks them all in their turn. */
function assertCompiling(mutants) {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options, fileNames } = ts.parseJsonConfigFileContent(
    { ...config, include: ['src', 'migrations'] },
    ts.sys,
    root,
  );
  const overlay = new Map();
  const versions = new Map();
  const service = ts.createLanguageService({
    ...{ getCompilationSettings: () => options, getScriptFileNames: () => fileNames, getCurrentDirectory: () => root },
    getScriptVersion: (file) => String(versions.get(file) ?? 0),
    getScriptSnapshot: (file) => {
      const text = overlay.get(file) ?? ts.sys.readFile(file);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getDefaultLibFileName: (forOptions) => ts.getDefaultLibFilePath(forOptions),
    ...{ fileExists: ts.sys.fileExists, readFile: ts.sys.readFile, readDirectory: ts.sys.readDirectory },
    ...{ directoryExists: ts.sys.directoryExists, getDirectories: ts.sys.getDirectories },
  });
  for (const mutant of mutants) {
    for (const [file, text] of mutant.texts) put(join(root, file), text);
    const errors = [...mutant.texts.keys()].flatMap((file) => {
      const path = join(root, file);
      return [...service.getSyntacticDiagnostics(path), ...service.getSemanticDiagnostics(path)];
    });
    const [error] = errors.filter(({ code }) => !UNUSED_CODES.includes(code));
    if (error !== undefined)
      mutant.fault = `DOES NOT COMPILE: ${ts.flattenDiagnosticMessageText(error.messageText, ' ')}`;
    for (const file of mutant.texts.keys()) put(join(root, file), undefined);
  }

  function put(path, text) {
    if (text === undefined) overlay.delete(path);
    else overlay.set(path, text);
    versions.set(path, (versions.get(path) ?? 0) + 1);
  }
}

/** Tests that fail by themselves would catch every mutant. */
async function assertBaseline() {
  const files = [...new Set(chosen.flatMap(({ tests }) => tests.flat()))];
  process.stdout.write(`Without a mutant: ${files.length} test files … `);
  const { failures, isLoaded } = await runTests(copyTree('baseline'), files, AT_ONCE);
  if (failures.length > 0 || !isLoaded) {
    console.log('failed');
    throw new Error(`The tests fail without any mutant: ${failures[0]?.title ?? 'they do not load'}`);
  }
  console.log('pass');
}

async function judge(mutant, tree) {
  const startedAt = performance.now();
  let { fault } = mutant;
  let by;
  if (fault === undefined) {
    for (const [file, text] of mutant.texts) writeFileSync(join(tree, file), text);
    for (const files of mutant.tests) {
      const { failures, isLoaded } = await runTests(tree, files, 1);
      const [broken] = failures.filter(({ message }) => BROKEN.test(message));
      if (!isLoaded || broken !== undefined)
        fault = `BROKEN: ${broken?.message.split('\n', 1)[0] ?? 'it does not load'}`;
      else if (failures.some(({ message }) => TIMED_OUT.test(message))) fault = 'TIMED OUT: nothing was asserted';
      else if (failures.length > 0) by = `${failures[0].file}: ${failures[0].violation ?? failures[0].title}`;
      if (fault !== undefined || by !== undefined) break;
    }
    if (fault === undefined && by === undefined) fault = 'SURVIVED';
    for (const file of mutant.texts.keys()) cpSync(join(root, file), join(tree, file));
  }
  rows.push({ name: mutant.name, seconds: (performance.now() - startedAt) / 1000, by, fault });
  console.log(`${mutant.name}: ${fault ?? `caught by ${by}`}`);
}

function copyTree(name) {
  const tree = join(folder, name);
  for (const path of COPIED) cpSync(join(root, path), join(tree, path), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
  return tree;
}

/** What the simulation says did not hold, without its ids. */
function violationOf(message) {
  const [, words] = /does not hold, [^\n]*:\n {2}(.+)/.exec(stripVTControlCharacters(message)) ?? [];
  return words?.replaceAll(/\b(ch|att|run|own|sch)_[0-9a-z]{26}/g, '$1_…').slice(0, 110);
}

/** Runs these test files up to the first failure. */
async function runTests(tree, files, workers) {
  const report = join(tree, 'report.json');
  rmSync(report, { force: true });
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const options = [
    '--project=fast',
    '--bail=1',
    `--maxWorkers=${workers}`,
    '--reporter=json',
    `--outputFile=${report}`,
  ];
  const env = { ...process.env, BURSAR_SEED: SEED, BURSAR_SIMULATION_BAIL: '1', BURSAR_SOAK: '' };
  await new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [vitest, 'run', ...options, ...files], { cwd: tree, env, stdio: 'ignore' });
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (!existsSync(report)) return { failures: [], isLoaded: false };
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const failures = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ title, failureMessages }) => ({
        ...{ file: name.slice(tree.length + 1), title },
        message: failureMessages.join('\n'),
        violation: violationOf(failureMessages.join('\n')),
      })),
  );
  const isLoaded = testResults.every(
    ({ status, assertionResults }) => status !== 'failed' || assertionResults.length > 0,
  );
  return { failures, isLoaded };
}
