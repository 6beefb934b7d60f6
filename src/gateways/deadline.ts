// A call that ends when its time is up or its caller gives up, whichever comes first. Cheaper than AbortSignal.any with
// AbortSignal.timeout, which leave a timer and a listener behind for each of the thousands of calls of a run.

/**
 * Runs `call` with a signal that aborts with the caller's own reason, or with a TimeoutError after `timeoutMs` (real
 * time: it bounds a socket, not a book). Rejects with that reason even if `call` ignores its signal.
 */
export async function withDeadline<T>(
  caller: AbortSignal,
  timeoutMs: number,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const giveUp = () => controller.abort(caller.reason);
  const timer = setTimeout(() => {
    controller.abort(new DOMException(`no answer within ${timeoutMs} ms`, 'TimeoutError'));
  }, timeoutMs);
  caller.addEventListener('abort', giveUp, { once: true });
  try {
    caller.throwIfAborted();
    return await untilAborted(call(controller.signal), controller.signal);
  } finally {
    clearTimeout(timer);
    caller.removeEventListener('abort', giveUp);
  }
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
