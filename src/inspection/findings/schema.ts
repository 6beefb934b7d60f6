// The schema of the book. One that is older or newer than the program's can't be opened, and is told by unopened.ts.
import { schemaVersion as programVersion } from '../../../migrations/versions.ts';
import { EXIT } from '../../errors.ts';
import { bookFacts } from '../../storage/book-store.ts';
import type { Diagnosis, Patient } from '../diagnosis.ts';

export async function schema({ db }: Patient): Promise<Diagnosis> {
  const { schemaVersion, mode } = await bookFacts(db);
  const checked = { schemaVersion, programVersion };
  const summary = `a ${mode} book of schema ${schemaVersion}, as this program has it`;
  return { checked, findings: [], exitCode: EXIT.done, summary };
}
