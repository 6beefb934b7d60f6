// The types of setup.mjs, which stays plain JavaScript: it runs before anything is installed.
import type { SpawnSyncOptions } from 'node:child_process';

export const root: string;
export function runOrExit(program: string, args: string[], options?: SpawnSyncOptions): void;
export function ensureInstalled(): void;
export function ensureBuilt(): void;
