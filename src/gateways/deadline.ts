// A call that ends when its time is up or its caller gives up, whichever comes first.

type GiveUp = () => void;

// Hundreds of calls of a run share one signal. A listener for each would make every removal walk the list of all (and
// Node warn of a leak), so each signal has one listener and a set of the calls that are under way.
const callsUnderWay = new WeakMap<AbortSignal, Set<GiveUp>>();

/**
 * Runs `call` with a signal that aborts with the caller's own reason, or with a TimeoutError after `timeoutMs` (real
 * time: it bounds a socket, not a book). Rejects with that reason even if `call` ignores its signal.
 */
export async function withDeadline<T>(
  caller: AbortSignal,
  timeoutMs: number,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  caller.throwIfAborted();
  const controller = new AbortController();
  const calls = callsOf(caller);
  return new Promise<T>((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      calls.delete(giveUp);
    };
    const stop = (reason: unknown): void => {
      end();
      controller.abort(reason);
      reject(reason);
    };
    const giveUp = (): void => stop(caller.reason);
    const timer = setTimeout(
      () => stop(new DOMException(`no answer within ${timeoutMs} ms`, 'TimeoutError')),
      timeoutMs,
    );
    calls.add(giveUp);
    // By our own means, not by a listener: those of an AbortSignal cost as much as the rest of this.
    call(controller.signal).then(
      (value) => {
        end();
        resolve(value);
      },
      (error) => {
        end();
        reject(error);
      },
    );
  });
}

/** Settles as `work` does, or rejects with the signal's reason as soon as it aborts. `work` itself goes on. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    const settled = () => signal.removeEventListener('abort', stop);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    work.then(resolve, reject).finally(settled);
  });
}

function callsOf(caller: AbortSignal): Set<GiveUp> {
  const known = callsUnderWay.get(caller);
  if (known !== undefined) return known;
  const calls = new Set<GiveUp>();
  callsUnderWay.set(caller, calls);
  const giveUpAll = () => {
    for (const giveUp of calls) giveUp();
  };
  caller.addEventListener('abort', giveUpAll, { once: true });
  return calls;
}
