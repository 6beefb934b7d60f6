// The seals of an export: headers of the chain from the first seal that holds an exported row to the head, with a
// multiproof where only some of a seal's rows are in the file.
import type { Db } from '../storage/db.ts';
import type { AuditFilter } from './audit-rows-store.ts';
import { leavesOf, type TouchedSeal, touchedSeals } from './export-store.ts';
import type { ManifestSeal } from './manifest.ts';
import { MultiproofBuilder } from './multiproof.ts';

const SEALS_PER_PAGE = 500;
const LEAVES_PER_GROUP = 50_000;

/** Ascending, up to and including seal `last`. Memory: a page of seals and the proofs of one group of them. */
export async function* manifestSeals(db: Db, filter: AuditFilter, last: number): AsyncGenerator<ManifestSeal> {
  let hasBegun = false;
  for (let after = 0; ; ) {
    const page = await touchedSeals(db, filter, after, last, SEALS_PER_PAGE);
    for (const group of groupsOf(page)) {
      const proofs = await proofsOf(db, filter, group);
      for (const seal of group) {
        hasBegun ||= seal.rows > 0;
        if (hasBegun) yield toManifestSeal(seal, proofs.get(seal.sequence) ?? []);
      }
    }
    if (page.length < SEALS_PER_PAGE) return;
    after = page.at(-1)?.sequence ?? last;
  }
}

/** A query for each seal is slow where seals are small, and all proofs at once are large where they are not. */
function* groupsOf(seals: readonly TouchedSeal[]): Generator<TouchedSeal[]> {
  let group: TouchedSeal[] = [];
  let leaves = 0;
  for (const seal of seals) {
    group.push(seal);
    leaves += seal.count;
    if (leaves < LEAVES_PER_GROUP) continue;
    yield group;
    [group, leaves] = [[], 0];
  }
  yield group;
}

/** The proofs of seals that are in the file in part. */
async function proofsOf(db: Db, filter: AuditFilter, seals: readonly TouchedSeal[]): Promise<Map<number, string[]>> {
  const partial = seals.filter(({ rows, count }) => rows > 0 && rows < count).map(({ sequence }) => sequence);
  const proofs = new Map<number, string[]>();
  if (partial.length === 0) return proofs;
  let builder = new MultiproofBuilder();
  let current: number | null = null;
  const finish = (): void => {
    if (current === null) return;
    proofs.set(
      current,
      builder.finish().proof.map((digest) => digest.toString('hex')),
    );
    builder = new MultiproofBuilder();
  };
  for await (const leaves of leavesOf(db, filter, partial)) {
    for (const { seal, hash, isIncluded } of leaves) {
      if (seal !== current) finish();
      current = seal;
      builder.add(hash, isIncluded);
    }
  }
  finish();
  return proofs;
}

function toManifestSeal(seal: TouchedSeal, proof: string[]): ManifestSeal {
  const { sequence, previousSealHash, root, count, sealHash, rows } = seal;
  const header = {
    sequence,
    previousSealHash,
    root,
    count,
    sealedAt: new Date(seal.sealedAt).toISOString(),
    sealHash,
    rows,
  };
  return rows === 0 ? header : { ...header, proof };
}
