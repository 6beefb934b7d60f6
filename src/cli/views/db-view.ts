// A book's schema as commands print it.
import { schemaVersion as programVersion } from '../../../migrations/versions.ts';
import type { Book, BookMode } from '../../storage/open.ts';

export interface StatusView {
  schemaVersion: number;
  /** The schema that this program speaks. */
  programVersion: number;
  /** Names of the migrations that the book has not had, in their order. */
  pending: string[];
  mode: BookMode;
  driver: 'sqlite';
}

export async function toStatusView({ schemaVersion, mode }: Pick<Book, 'schemaVersion' | 'mode'>): Promise<StatusView> {
  const { pendingMigrations } = await import('../../storage/migrate.ts');
  return { schemaVersion, programVersion, pending: pendingMigrations(schemaVersion), mode, driver: 'sqlite' };
}
