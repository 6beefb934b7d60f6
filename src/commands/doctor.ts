// bursar doctor: what needs someone's attention, each with the command to run.
import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { doctorLines } from '../cli/views/doctor-view.ts';
import type { DoctorReport } from '../inspection/doctor.ts';

export default class Doctor extends BaseCommand<typeof Doctor> {
  static override summary = 'Tell what needs attention, and what to run.';
  static override description =
    'One page of everything that an operator must know: ledger and audit log, open and unknown attempts, leases, pauses, quarantine, clock, the last run, missed periods, charges that nobody will try again, payment methods, seals, configuration, disk, schema. Exits by the worst: 5 when the book does not hold, 7 when the configuration, the disk or the book itself is out of order, 8 when a safety or a pause holds it back, 6 when it is locked, 4 when the outcome of an attempt is unknown, what fell due was not collected or a second payment was not given back, otherwise 0. Nothing is written or sent.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --fast --json',
  ];
  static override flags = {
    fast: Flags.boolean({ summary: 'Leave out what recomputes the whole book: ledger and audit log.' }),
  };

  async run(): Promise<DoctorReport> {
    const { examineNamed } = await import('../cli/examine-book.ts');
    const { report, exitCode, book } = await examineNamed(() => this.open(), this.flags);
    this.exitWith(exitCode);
    return this.show(report, async () => {
      for (const line of doctorLines(report, book, (time) => this.time(time))) await this.printLine(line);
    });
  }
}
