// The money pipeline: open (durable) → send → settle. Opens and settles are group-committed; a single `charges create`
// is the same code with a batch of one.
import { assert, BursarError, type ErrorCode } from '../errors.ts';
import type { Outcome } from '../gateways/gateway.ts';
import { isConstraintError } from '../storage/dialect.ts';
import { translateStorageError } from '../storage/engine-errors.ts';
import { GroupCommit } from '../storage/group-commit.ts';
import { assertRoom } from '../storage/room.ts';
import { CommitUnknown, writeTrx } from '../storage/trx.ts';
import type { Attempt } from './attempt.ts';
import { attemptsById, openAttemptsOf } from './attempts-store.ts';
import type { Charge } from './charge.ts';
import { chargesById } from './charges-store.ts';
import type { ChargesContext } from './context.ts';
import { openAttempts } from './open.ts';
import { type Opened, type OpenRequest, refused } from './open-request.ts';
import { notOpened, openUnrecorded, outcomeUnrecorded } from './refusals.ts';
import { Sender, type Turn } from './send.ts';
import { type Settled, type Settlement, settleAttempts } from './settle.ts';
import type { InHand } from './standing.ts';

const MAX_BATCH = 1000;
/** Each waits as long as a writer waits for a busy book. */
const SETTLE_TRIES = 3;

/** Anything but a fault of the book itself may be one member's: the others must not share it. */
const isFaultOfOne = (error: unknown): boolean => !(error instanceof BursarError && BOOK_FAULTS.includes(error.code));
const BOOK_FAULTS: readonly ErrorCode[] = [
  'commit_unknown',
  'book_locked',
  'book_unreachable',
  'book_full',
  'corrupt_book',
  'state_unwritable',
];

/** What became of a request that was opened: the charge and attempt as they stand after it. */
export interface Collected extends Settled {
  outcome: Outcome | null;
}

export class Pipeline {
  readonly context: ChargesContext;
  readonly #opens: GroupCommit<OpenRequest, Opened>;
  readonly #settles: GroupCommit<Settlement, Settled>;
  readonly #sender: Sender;
  /**
   * Attempts that a request of this process has opened and not settled yet: no other request goes on with one of them, and
   * the room that settling them takes is theirs.
   */
  readonly #inHand = new Map<string, InHand | null>();

  constructor(context: ChargesContext) {
    this.context = context;
    this.#sender = new Sender(context);
    const { book, owner, guard } = context;
    this.#opens = new GroupCommit({
      commit: async (batch) => {
        await assertRoom(book, this.#inHand.size + batch.length);
        await owner.hold();
        return guard.commit((trx) => openAttempts(trx, context, batch));
      },
      maxBatch: MAX_BATCH,
      splitOn: isFaultOfOne,
    });
    this.#settles = new GroupCommit({
      commit: (batch) => writeTrx(book, (trx) => settleAttempts(trx, context, batch)),
      maxBatch: MAX_BATCH,
      splitOn: isFaultOfOne,
    });
  }

  /**
   * Claims the charge and writes its attempt, durably. A constraint that refuses it is an answer, not a fault; a commit
   * that was not confirmed is reread.
   */
  async open(request: OpenRequest): Promise<Opened> {
    const id = request.kind === 'create' ? request.charge.id : request.chargeId;
    try {
      const opened = await this.#opens.submit(request);
      if (opened.kind === 'opened') this.#inHand.set(opened.attempt.id, opened);
      return opened;
    } catch (error) {
      if (error instanceof CommitUnknown) {
        // What nobody can tell yet is not sent. A run leaves it to the next one; an operator must not repeat it.
        if (!error.isDecided) throw request.kind === 'collect' ? error : openUnrecorded(id, error);
        const opened = await this.#reread(id);
        if (opened !== null) return opened;
        throw notOpened(id, error);
      }
      if (!isConstraintError(error)) throw error;
      return refused(
        new BursarError('conflict', `The book refused a second attempt for ${id}. Nothing was sent.`, { cause: error }),
      );
    }
  }

  /** What this process opened for the charge, if the commit that was not confirmed stands after all. */
  async #reread(chargeId: string): Promise<Opened | null> {
    const { book, owner } = this.context;
    const attempt = (await openAttemptsOf(book.reader, [chargeId])).get(chargeId);
    if (attempt === undefined || attempt.ownerId !== owner.id || attempt.outcome !== null) return null;
    // Another request for the same charge has opened it, and sends it.
    if (this.#inHand.has(attempt.id)) return null;
    this.#inHand.set(attempt.id, null);
    const standing = await this.standing(attempt.id);
    this.#inHand.set(attempt.id, standing);
    return { kind: 'opened', ...standing };
  }

  /**
   * Sends an open attempt once and settles what came of it. `stopped` is asked right before the socket. A fault of ours
   * from here on is `outcome_unrecorded`: the money may have moved, and only the next run can tell.
   */
  async collect(attempt: Attempt, stopped?: () => boolean): Promise<Collected> {
    const collected = await this.collectUnless(() => false, attempt, stopped);
    assert(collected !== null, 'every outcome is recorded');
    return collected;
  }

  /**
   * As `collect`; but an outcome that `isForLater`, which must be one that proves that nothing was executed, is not
   * recorded: `null`, and the attempt is as it was before the send, open and this process's own to send. `turn` has the
   * send made when a socket is free.
   */
  async collectUnless(
    isForLater: (outcome: Outcome) => boolean,
    attempt: Attempt,
    stopped?: () => boolean,
    turn?: Turn,
  ): Promise<Collected | null> {
    let isInHand = false;
    try {
      const sent = await this.#sender.send(attempt, stopped, turn);
      // Whoever took the attempt over settles it; the book tells how it stands.
      if (sent.kind === 'lost') return { ...(await this.standing(attempt.id)), outcome: null };
      const { outcome } = sent;
      isInHand = isForLater(outcome);
      if (isInHand) return null;
      const inHand = this.#inHand.get(attempt.id) ?? undefined;
      const settled = await this.#settleSurely({ attemptId: attempt.id, outcome, source: 'send', inHand });
      return { charge: settled.charge, attempt: settled.attempt, outcome };
    } catch (error) {
      throw outcomeUnrecorded(attempt.chargeId, translateStorageError(error, this.context.book.where));
    } finally {
      if (!isInHand) this.#inHand.delete(attempt.id);
    }
  }

  /** The answer is in hand and must not be lost to a book that is busy, or that did not confirm a commit. */
  async #settleSurely(settlement: Settlement): Promise<Settled> {
    for (let left = SETTLE_TRIES; ; left -= 1) {
      try {
        return await this.settle(settlement);
      } catch (error) {
        if (left === 0) throw error;
        if (error instanceof CommitUnknown) {
          // A settled attempt belongs to nobody: then the commit stands.
          const standing = await this.standing(settlement.attemptId);
          if (standing.attempt.ownerId !== this.context.owner.id) return standing;
        } else if (!(error instanceof BursarError && error.code === 'book_locked')) throw error;
      }
    }
  }

  settle(settlement: Settlement): Promise<Settled> {
    return this.#settles.submit(settlement);
  }

  async standing(attemptId: string): Promise<{ charge: Charge; attempt: Attempt }> {
    const attempt = (await attemptsById(this.context.book.reader, [attemptId])).get(attemptId);
    assert(attempt !== undefined, `no attempt ${attemptId}`);
    const charge = (await chargesById(this.context.book.reader, [attempt.chargeId])).get(attempt.chargeId);
    assert(charge !== undefined, `no charge ${attempt.chargeId}`);
    return { charge, attempt };
  }
}
