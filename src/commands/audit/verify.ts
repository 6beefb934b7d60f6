// bursar audit verify: recomputes every hash, seal and link of the chain, of the book or of an exported file.
import { Flags } from '@oclif/core';
import type { Verification } from '../../audit/verify.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { checkLines } from '../../cli/show-check.ts';
import { BursarError, EXIT } from '../../errors.ts';

export default class AuditVerify extends BaseCommand<typeof AuditVerify> {
  static override summary = 'Verify the audit log of the book, or an exported file.';
  static override description =
    `Names every sealed row that was edited, deleted, inserted or reordered; exits with 5 when there is one. A book verifies by itself only what it holds: that its end was cut off, or the whole chain rewritten, is caught with a head that you keep elsewhere (--head). With --file neither book nor configuration is needed.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --head "$(bursar audit head --json | grep sealHash | cut -d \\" -f 4)"',
    '<%= config.bin %> <%= command.id %> --file audit.csv',
  ];
  static override flags = {
    file: Flags.string({ helpValue: 'FILE', summary: 'An exported file instead of the book.' }),
    manifest: Flags.string({
      helpValue: 'FILE',
      summary: 'The manifest of --file. Default: beside it.',
      dependsOn: ['file'],
    }),
    head: Flags.string({ helpValue: 'HASH', summary: 'A seal hash that you kept: it must be in the chain.' }),
  };

  async run(): Promise<Verification> {
    const { file, manifest } = this.flags;
    const result =
      file === undefined ? await this.#book() : await this.#file(file, manifest ?? `${file}.manifest.json`);
    if (!result.ok) this.exitWith(EXIT.integrity);
    return this.show(result, async (shown) => {
      const passed =
        shown.checked.head === null ? 'OK: there is no seal yet.' : `OK up to seal hash ${shown.checked.head}`;
      for (const line of checkLines(shown, passed)) await this.printLine(line);
    });
  }

  async #book(): Promise<Verification> {
    const head = this.#head;
    const { verifyAudit } = await import('../../audit/verify.ts');
    const { readTrx } = await import('../../storage/trx.ts');
    const { book } = await this.open();
    return readTrx(book, (trx) => verifyAudit(trx, head));
  }

  async #file(file: string, manifest: string): Promise<Verification> {
    const head = this.#head;
    const { verifyFile } = await import('../../audit/verify-file.ts');
    return verifyFile(file, manifest, head);
  }

  get #head(): string | null {
    const { head } = this.flags;
    if (head === undefined) return null;
    const hash = head.trim().toLowerCase();
    if (/^[0-9a-f]{64}$/.test(hash)) return hash;
    throw new BursarError('invalid_value', '--head takes a seal hash, 64 hexadecimal digits. Nothing was verified.', {
      hint: 'bursar audit head prints one.',
    });
  }
}
