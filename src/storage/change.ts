// Rows that change: only columns that differ are written. An update pays for every column that it names, whether its value
// is another one or not: for the row's text, for foreign keys, for indexes.
import type { Cell } from './batch.ts';

export interface Change<T> {
  /** As it stands in the book. */
  was: T;
  now: T;
}

export type Column<T> = readonly [name: string, cell: (of: T) => Cell];

/** Of `columns`, those in which any of the changes differs. */
export function changedColumns<T>(columns: readonly Column<T>[], changes: readonly Change<T>[]): readonly Column<T>[] {
  return columns.filter(([, cell]) => changes.some(({ was, now }) => cell(was) !== cell(now)));
}
