// What `doctor` asks of a book, one question a file in findings/: what it looked at, what it found, and how bad that is.

import type { Finding } from '../audit/finding.ts';
import type { Environment, LoadedConfig } from '../config/load.ts';
import type { GatewayConfig } from '../config/schema.ts';
import type { ExitCode } from '../errors.ts';
import type { Db } from '../storage/db.ts';

export interface Patient {
  /** A snapshot of the book. */
  db: Db;
  nowMs: number;
  /** The highest number of a sending commit that this machine has seen of the book, asked for before the snapshot. */
  mark?: Promise<number>;
  /** What is around the book; without it only the book itself is looked at. */
  surroundings?: Surroundings;
}

export interface Surroundings {
  /** The book's file. */
  where: string;
  loaded: LoadedConfig;
  /** In force, also where the configuration names none. */
  gateways: Readonly<Record<string, GatewayConfig>>;
  env: Environment;
  cwd: string;
}

export interface Diagnosis {
  /** Counts of what was looked at, by name. */
  checked: Record<string, number>;
  findings: Finding[];
  /** The exit status that these findings call for. */
  exitCode: ExitCode;
  /** What was seen, for a person, where the counts don't say it; times as ISO 8601. */
  summary?: string;
}

export type Examine = (patient: Patient) => Promise<Diagnosis>;
