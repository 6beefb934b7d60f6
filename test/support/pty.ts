// A real terminal for a program under test: util-linux's `script` makes the pseudo-terminal, and answers are typed when
// their question stands on the screen.
import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

export const KEYS = { enter: '\r', down: '\x1b[B', up: '\x1b[A', interrupt: '\x03', endOfInput: '\x04' } as const;

export interface OnTerminal {
  /** All that stood on the screen, escapes included. */
  screen: string;
  code: number | null;
}

/** How long a question may take to come; far more than it ever does, so that a hang fails with what was on the screen. */
const PATIENCE_MS = 20_000;

/** Runs `program args` on a terminal and types each answer after its question. Rejects when a question never comes. */
export async function runOnTerminal(
  program: string,
  args: readonly string[],
  options: {
    cwd?: string;
    env: Record<string, string>;
    answers?: readonly (readonly [question: string, keys: string])[];
  },
): Promise<OnTerminal> {
  const command = [program, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    cwd: options.cwd,
    env: { ...options.env, TERM: 'xterm', SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let screen = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
  });
  // The program may have gone before the last key is typed.
  child.stdin.on('error', () => undefined);
  let code: number | null | undefined;
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      code = status;
      resolve();
    });
  });
  let read = 0;
  for (const [question, keys] of options.answers ?? []) {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = screen.indexOf(question, read);
      if (found >= 0) {
        read = found + question.length;
        break;
      }
      if (code !== undefined || performance.now() > deadline) {
        child.kill();
        throw new Error(`"${question}" was never asked. On the screen:\n${screen}`);
      }
      await delay(10);
    }
    // The question is drawn before the terminal is set to take single keys.
    await delay(100);
    child.stdin.write(keys);
  }
  await ended;
  return { screen, code: code ?? null };
}
