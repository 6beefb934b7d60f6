// vitest's global set-up: tests that start the CLI start what the sources say now.
import { ensureBuilt } from '../../scripts/setup.mjs';

export function setup(): void {
  ensureBuilt();
}
