// The money pipeline: open (durable) → send → settle. Opens and settles are group-committed; a single `charges create`
// is the same code with a batch of one.
import { assert, BursarError } from '../errors.ts';
import type { Outcome } from '../gateways/gateway.ts';
import { isConstraintError } from '../storage/dialect.ts';
import { GroupCommit } from '../storage/group-commit.ts';
import { writeTrx } from '../storage/trx.ts';
import type { Attempt } from './attempt.ts';
import { attemptsById } from './attempts-store.ts';
import type { Charge } from './charge.ts';
import { chargesById } from './charges-store.ts';
import type { ChargesContext } from './context.ts';
import { openAttempts } from './open.ts';
import type { Opened, OpenRequest } from './open-request.ts';
import { Sender } from './send.ts';
import { type Settled, type Settlement, settleAttempts } from './settle.ts';

const MAX_BATCH = 1000;

/** What became of a request that was opened: the charge and attempt as they stand after it. */
export interface Collected extends Settled {
  outcome: Outcome | null;
}

export class Pipeline {
  readonly context: ChargesContext;
  readonly #opens: GroupCommit<OpenRequest, Opened>;
  readonly #settles: GroupCommit<Settlement, Settled>;
  readonly #sender: Sender;

  constructor(context: ChargesContext) {
    this.context = context;
    this.#sender = new Sender(context);
    const { book, owner } = context;
    this.#opens = new GroupCommit({
      commit: async (batch) => {
        await owner.hold();
        return writeTrx(book, (trx) => openAttempts(trx, context, batch));
      },
      maxBatch: MAX_BATCH,
      splitOn: isConstraintError,
    });
    this.#settles = new GroupCommit({
      commit: (batch) => writeTrx(book, (trx) => settleAttempts(trx, context, batch)),
      maxBatch: MAX_BATCH,
      splitOn: isConstraintError,
    });
  }

  /** Claims the charge and writes its attempt, durably. A constraint that refuses it is an answer, not a fault. */
  async open(request: OpenRequest): Promise<Opened> {
    try {
      return await this.#opens.submit(request);
    } catch (error) {
      if (!isConstraintError(error)) throw error;
      const id = request.kind === 'create' ? request.charge.id : request.chargeId;
      return {
        kind: 'refused',
        error: new BursarError('conflict', `The book refused a second attempt for ${id}. Nothing was sent.`, {
          cause: error,
        }),
      };
    }
  }

  /** Sends an open attempt once and settles what came of it. `stopped` is asked right before the socket. */
  async collect(attempt: Attempt, stopped?: () => boolean): Promise<Collected> {
    const sent = await this.#sender.send(attempt, stopped);
    // Whoever took the attempt over settles it; the book tells how it stands.
    if (sent.kind === 'lost') return { ...(await this.standing(attempt.id)), outcome: null };
    return {
      ...(await this.settle({ attemptId: attempt.id, outcome: sent.outcome, source: 'send' })),
      outcome: sent.outcome,
    };
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
