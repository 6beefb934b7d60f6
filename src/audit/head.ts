// The head of the chain of seals as it is printed and kept elsewhere.
import type { Seal } from './audit-store.ts';

export interface Head {
  sequence: number;
  sealHash: string;
  root: string;
  count: number;
  /** ISO 8601. */
  sealedAt: string;
}

export function toHead({ sequence, sealHash, root, count, sealedAt }: Seal): Head {
  return { sequence, sealHash, root, count, sealedAt: new Date(sealedAt).toISOString() };
}
