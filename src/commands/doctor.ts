// bursar doctor: what needs someone's attention, each with the command to run.
import { BaseCommand } from '../cli/base-command.ts';
import { checkLines } from '../cli/show-check.ts';
import type { DoctorReport } from '../inspection/doctor.ts';

export default class Doctor extends BaseCommand<typeof Doctor> {
  static override summary = 'Tell what needs attention, and what to run.';
  static override description =
    'Runs ledger check, and looks for a quarantine, a wrong clock, attempts without an outcome, pauses and exhausted charges. Exits with 5 when the book does not hold, with 8 when nothing may be sent from it, with 4 when the outcome of an attempt is unknown, otherwise with 0.';
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json'];

  async run(): Promise<DoctorReport> {
    const { examine } = await import('../inspection/doctor.ts');
    const { readTrx } = await import('../storage/trx.ts');
    const { book, clock, guard } = await this.open();
    // Before the snapshot: whoever raises the mark has committed before.
    const mark = await guard.mark.highest();
    const { report, exitCode } = await readTrx(book, (trx) => examine({ db: trx, nowMs: clock.nowMs(), mark }));
    this.exitWith(exitCode);
    return this.show(report, async (shown) => {
      const passed = shown.findings.length === 0 ? 'OK: nothing needs attention.' : 'OK: nothing is broken or unknown.';
      for (const line of checkLines(shown, passed)) await this.printLine(line);
    });
  }
}
