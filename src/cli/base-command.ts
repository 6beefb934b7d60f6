// What every command shares: the global flags, one shape for errors, one way to print a result, and an app that is
// closed whatever happens. A command parses nothing itself: it reads `this.args` and `this.flags`.
import { Command, Flags, type Interfaces } from '@oclif/core';
import type { App } from '../app.ts';
import type { ExitCode } from '../errors.ts';
import { refusePan } from '../money/pan.ts';
import { translateStorageError } from '../storage/engine-errors.ts';
import { hasFlag } from './argv.ts';
import type { Cell, Column } from './columns.ts';
import { FlagRefused, printReport, toReport } from './error-report.ts';
import { type ListFlags, listRange } from './flags.ts';
import { type Interrupt, onInterrupt } from './interrupt.ts';
import { printFields, printLine, printList, printTable, type Rows } from './output.ts';
import type { Asker } from './prompts.ts';
import { processTerminal, type Terminal } from './terminal.ts';
import { toJson } from './text.ts';
import { formatTime } from './time-format.ts';

type FlagsOf<T extends typeof Command> = Interfaces.InferredFlags<(typeof BaseCommand)['baseFlags'] & T['flags']>;
type ArgsOf<T extends typeof Command> = Interfaces.InferredArgs<T['args']>;
type Fields = readonly (readonly [name: string, value: Cell])[];

interface Closable {
  /** `note` prints on stderr. */
  close(note: (text: string) => void): Promise<void>;
}

const helpGroup = 'GLOBAL';

export abstract class BaseCommand<T extends typeof Command> extends Command {
  static override enableJsonFlag = true;
  static override baseFlags = {
    book: Flags.string({ helpGroup, helpValue: 'BOOK', summary: "A configured book's name, or a book's path or URL." }),
    config: Flags.string({ helpGroup, helpValue: 'FILE', summary: 'Configuration file.' }),
    json: Flags.boolean({ helpGroup, summary: 'Print one JSON document.' }),
    yes: Flags.boolean({ helpGroup, summary: 'Confirm whatever would be asked.' }),
    'no-input': Flags.boolean({ helpGroup, summary: 'Never ask: what is missing is an error.' }),
    debug: Flags.boolean({ helpGroup, summary: 'Print the trace of an error.' }),
    utc: Flags.boolean({ helpGroup, summary: 'Print times in UTC.' }),
  };

  declare protected flags: FlagsOf<T>;
  declare protected args: ArgsOf<T>;
  protected readonly terminal: Terminal = processTerminal();
  readonly #toClose: Closable[] = [];
  #interrupt: Interrupt | null = null;
  /** The file of the book once it is open, for messages. */
  #where = 'of this command';

  override async init(): Promise<void> {
    await super.init();
    const { ctor } = this;
    const { args, flags } = await this.parse({
      args: neverFromStdin(ctor.args),
      flags: keepingErrors(ctor.flags),
      baseFlags: keepingErrors(ctor.baseFlags),
      enableJsonFlag: ctor.enableJsonFlag,
      strict: ctor.strict,
    });
    refuseCardNumbers(args, '');
    refuseCardNumbers(flags, '--');
    this.args = args as ArgsOf<T>;
    this.flags = flags as FlagsOf<T>;
  }

  /** The book and everything that works on it; closed, and what was written sealed, when the command ends. */
  protected async open(options: { allowOlder?: boolean; isRun?: boolean } = {}): Promise<App> {
    const { openApp } = await import('../app.ts');
    const { book, config } = this.flags as { book?: string; config?: string };
    const command = this.ctor.id.replaceAll(':', ' ');
    const app = await this.opened(openApp({ book, config, command, env: process.env, cwd: process.cwd(), ...options }));
    this.#where = app.book.where;
    return app;
  }

  /** Opens something that is closed when the command ends, however it ends. */
  protected async opened<C extends Closable>(opening: Promise<C>): Promise<C> {
    const closable = await opening;
    this.#toClose.push(closable);
    return closable;
  }

  /** Hands `data` to --json, or shows it to a person: `return this.show(data, () => this.printFields([...]))`. */
  protected async show<D extends object>(data: D, display: (data: D) => Promise<void>): Promise<D> {
    if (!this.jsonEnabled()) await display(data);
    return data;
  }

  /** Prints a list in the format and length that `this.flags` ask for. */
  protected async showList<R extends object>(
    list: { schema: string; rows: Rows<R>; total: number | null },
    columns: readonly Column<R>[],
  ): Promise<void> {
    const { schema, rows, total } = list;
    const { format, limit } = listRange(this.flags as ListFlags);
    await printList(rows, columns, { schema, total, format, limit }, this.terminal);
  }

  protected printFields(fields: Fields): Promise<void> {
    return printFields(fields, this.terminal);
  }

  protected printTable<R>(rows: readonly R[], columns: readonly Column<R>[]): Promise<void> {
    return printTable(rows, columns, this.terminal);
  }

  protected printLine(text = ''): Promise<void> {
    return printLine(text, this.terminal);
  }

  /** Epoch milliseconds or an ISO time, for a person. */
  protected time(time: number | string | null | undefined): string | null {
    return formatTime(time, { utc: this.flags.utc });
  }

  /** Ends with this status after the result has been printed; an error later on has the last word. */
  protected exitWith(code: ExitCode): void {
    process.exitCode = code;
  }

  /** Who to ask, for `askInput`, `askChoice` and `confirm` of prompts.ts. */
  protected get asker(): Asker {
    const { yes, 'no-input': noInput } = this.flags;
    return { isSilent: noInput || this.jsonEnabled(), assumesYes: yes };
  }

  /** Aborts on the first Ctrl-C; from the first use on, the command is what ends the process. */
  protected get interruptSignal(): AbortSignal {
    this.#interrupt ??= onInterrupt((text) => this.terminal.note(text));
    return this.#interrupt.signal;
  }

  override jsonEnabled(): boolean {
    return hasFlag(this.argv, '--json');
  }

  override logJson(data: unknown): void {
    process.stdout.write(`${toJson(data)}\n`);
  }

  override toErrorJson(error: unknown): { error: unknown } {
    return { error: this.#report(error) };
  }

  protected override async catch(error: unknown): Promise<void> {
    const report = this.#report(error);
    this.parsed = true;
    if (report === null) throw error;
    process.exitCode = report.exitCode;
    printReport(report, error, { json: this.jsonEnabled(), debug: hasFlag(this.argv, '--debug') });
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    this.#interrupt?.release();
    for (const closable of this.#toClose.reverse()) {
      await closable
        .close((text) => this.terminal.note(text))
        .catch((failure: unknown) => this.#reportClosing(failure));
    }
    await super.finally(error);
  }

  /** The command as typed: `charges create`. */
  protected get words(): string {
    return this.ctor.id.replaceAll(':', ' ');
  }

  // On stderr whatever the format, since the work was done and its result is still to be printed.
  #reportClosing(failure: unknown): void {
    const report = this.#report(failure);
    if (report === null) return;
    process.exitCode ||= report.exitCode;
    printReport(report, failure, { json: false, debug: hasFlag(this.argv, '--debug') });
  }

  #report(error: unknown): ReturnType<typeof toReport> {
    const { flags, baseFlags } = this.ctor;
    return toReport(translateStorageError(error, this.#where), {
      command: this.words,
      flags: Object.keys({ ...baseFlags, ...flags }),
    });
  }
}

// oclif would otherwise fill a missing argument from stdin, which under cron may be anything.
function neverFromStdin(args: Interfaces.ArgInput): Interfaces.ArgInput {
  return Object.fromEntries(Object.entries(args ?? {}).map(([name, arg]) => [name, { ...arg, ignoreStdin: true }]));
}

// oclif's parser rewrites the message of an error that a flag's parser throws; FlagRefused carries it past untouched.
function keepingErrors(flags: Interfaces.FlagInput): Interfaces.FlagInput {
  const kept = Object.entries(flags ?? {}).map(([name, flag]) => {
    const parse = flag.parse as (...values: unknown[]) => Promise<unknown>;
    const guarded = async (...values: unknown[]): Promise<unknown> => {
      try {
        return await parse(...values);
      } catch (error) {
        throw new FlagRefused(name, error);
      }
    };
    // A switch that isn't given is false, as its type says; oclif leaves it undefined, which JSON would drop.
    const off = flag.type === 'boolean' ? { default: false } : {};
    return [name, { ...off, ...flag, parse: guarded }];
  });
  return Object.fromEntries(kept) as Interfaces.FlagInput;
}

/** No card number may enter, whichever flag or argument it comes by. */
function refuseCardNumbers(values: Record<string, unknown>, dashes: string): void {
  for (const [name, value] of Object.entries(values)) {
    for (const text of Array.isArray(value) ? value : [value]) {
      if (typeof text === 'string') refusePan(`${dashes}${name}`, text);
    }
  }
}
