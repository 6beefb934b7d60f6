// Transcript tests, after hledger's: a file of commands with what each prints and how it ends.
//   $ bursar charges show {ch1}     a shell command; {ch1} is the first charge id that the transcript has shown
//   > more                          another line of the same command
//   plain lines                     its stdout; ids, times and hashes as placeholders (ch_…1, <time>, <hash…1>)
//   ! lines                         its stderr
//   ? 3                             its exit code, when not 0
//   \$ text                         stdout that begins like one of these
//   # lines                         comments, before a command
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ID_LENGTH, ID_PREFIXES } from '../../src/ids.ts';
import { BIN, cliEnvironment, runProcess } from './cli.ts';

export interface Step {
  /** Comments and blank lines before the command, kept when the file is rewritten. */
  before: string[];
  command: string[];
  /** stdout, `! ` stderr and `? ` code, as they stand in the file. */
  expected: string[];
}

export function parseTranscript(text: string): { steps: Step[]; after: string[] } {
  const steps: Step[] = [];
  let before: string[] = [];
  for (const line of text.replace(/\n$/, '').split('\n')) {
    const step = steps.at(-1);
    if (line.startsWith('$ ')) {
      steps.push({ before, command: [line.slice(2)], expected: [] });
      before = [];
    } else if (step === undefined || line.startsWith('#') || before.length > 0) before.push(line);
    else if (line.startsWith('> ') && step.expected.length === 0) step.command.push(line.slice(2));
    else step.expected.push(line);
  }
  for (const step of steps) {
    const blanks: string[] = [];
    while (step.expected.at(-1) === '') blanks.push(step.expected.pop() ?? '');
    const next = steps[steps.indexOf(step) + 1];
    if (next !== undefined) next.before.unshift(...blanks);
  }
  return { steps, after: before };
}

export function formatTranscript(steps: readonly Step[], after: readonly string[]): string {
  const lines = steps.flatMap(({ before, command, expected }) => {
    const [first = '', ...rest] = command;
    return [...before, `$ ${first}`, ...rest.map((line) => `> ${line}`), ...expected];
  });
  return `${[...lines, ...after].join('\n')}\n`;
}

/** Replaces what differs from run to run, with numbers that stay the same within one transcript. */
export class Placeholders {
  readonly #seen = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  readonly #ids = new Map<string, string>();

  constructor(readonly folder: string) {}

  /** Output with placeholders. */
  hide(text: string): string {
    const prefixes = Object.values(ID_PREFIXES).join('|');
    return text
      .replaceAll(this.folder, '<folder>')
      .replace(new RegExp(`\\b(${prefixes})_[0-7][0-9a-hjkmnp-tv-z]{${ID_LENGTH - 1}}\\b`, 'g'), (id, prefix: string) =>
        this.#number(
          id,
          (count) => {
            this.#ids.set(`${prefix}${count}`, id);
            return `${prefix}_…${count}`;
          },
          prefix,
        ),
      )
      .replace(/\b[0-9a-f]{64}\b/g, (hash) => this.#number(hash, (count) => `<hash…${count}>`, 'hash'))
      .replace(/\b[0-9a-hjkmnp-tv-z]{36}\b/g, (key) => this.#number(key, (count) => `<key…${count}>`, 'key'))
      .replace(/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{3})?Z?/g, '<time>');
  }

  /** A command with `{ch1}` put back. */
  fill(command: string): string {
    return command.replace(/\{([a-z]+\d+)\}/g, (whole, name: string) => this.#ids.get(name) ?? whole);
  }

  #number(text: string, label: (count: number) => string, kind: string): string {
    const known = this.#seen.get(text);
    if (known !== undefined) return known;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    const placeholder = label(count);
    this.#seen.set(text, placeholder);
    return placeholder;
  }
}

/** Runs every step in `folder`; gives the transcript as it should read. Writes it with `UPDATE_TRANSCRIPTS=1`. */
export async function runTranscript(file: string, folder: string): Promise<{ expected: string; actual: string }> {
  const expected = await readFile(file, 'utf8');
  const { steps, after } = parseTranscript(expected);
  const placeholders = new Placeholders(folder);
  const env = await shellEnvironment(folder);
  const actualSteps: Step[] = [];
  for (const step of steps) {
    const script = placeholders.fill(step.command.join('\n'));
    const { stdout, stderr, code } = await runProcess('bash', ['-c', script], { cwd: join(folder, 'work'), env });
    const result = asLines(placeholders.hide(stdout)).map((line) => line.replace(/^(?=[$>!?#\\])/, '\\'));
    const rest = asLines(placeholders.hide(stderr)).map((line) => `! ${line}`.trimEnd());
    const actual = [...result, ...rest, ...(code === 0 ? [] : [`? ${code}`])];
    // A file can't tell blank lines that end the output from those before the next command.
    while (actual.at(-1) === '') actual.pop();
    actualSteps.push({ ...step, expected: actual });
  }
  const actual = formatTranscript(actualSteps, after);
  if (process.env.UPDATE_TRANSCRIPTS === '1' && actual !== expected) await writeFile(file, actual);
  return { expected: process.env.UPDATE_TRANSCRIPTS === '1' ? actual : formatTranscript(steps, after), actual };
}

const TAMPER = fileURLToPath(new URL('tamper.mjs', import.meta.url));

// `bursar` on the PATH is the built one, under the Node that runs the tests; `tamper` changes a book behind its back.
async function shellEnvironment(folder: string): Promise<Record<string, string>> {
  const programs = join(folder, 'programs');
  await mkdir(programs);
  await mkdir(join(folder, 'work'));
  for (const [name, script] of [
    ['bursar', BIN],
    ['tamper', TAMPER],
  ] as const) {
    const program = join(programs, name);
    await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${script}" "$@"\n`);
    await chmod(program, 0o755);
  }
  const home = join(folder, 'work');
  return cliEnvironment(home, { PATH: `${programs}:${process.env.PATH ?? ''}` });
}

function asLines(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}
