// What `doctor` asks of a book, one question a file in findings/: what it looked at, what it found, and how bad that is.

import type { Finding } from '../audit/finding.ts';
import type { ExitCode } from '../errors.ts';
import type { Db } from '../storage/db.ts';

export interface Patient {
  /** A snapshot of the book. */
  db: Db;
  nowMs: number;
  /** The highest number of a sending commit that this machine has seen of the book; 0 if none. */
  mark: number;
}

export interface Diagnosis {
  /** Counts of what was looked at, by name. */
  checked: Record<string, number>;
  findings: Finding[];
  /** The exit status that these findings call for: 0, 4, 5 or 8. */
  exitCode: ExitCode;
}

export type Examine = (patient: Patient) => Promise<Diagnosis>;
