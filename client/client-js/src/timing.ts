/** Time-outs, pauses and giving up. */

import { Aborted } from "./errors.js";

/** What a method that waits may be given. */
export interface Waiting {
  /** Ends the waiting; what was sent may still happen. */
  signal?: AbortSignal;
}

/** Throws {@link Aborted} where the caller has given up. */
export function check(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new Aborted({ cause: signal.reason });
}

/** What `promise` gives, unless the caller gives up or `milliseconds` pass first; then `late` makes the error. */
export function within<T>(
  promise: Promise<T>,
  milliseconds: number | undefined,
  late: () => Error,
  signal?: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = milliseconds === undefined ? undefined : setTimeout(() => end(() => reject(late())), milliseconds);
    const onAbort = () => end(() => reject(new Aborted({ cause: signal?.reason })));
    const end = (how: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      how();
    };
    signal?.addEventListener("abort", onAbort);
    // Also where there is nothing to wait for: a failure that nobody hears would end the program.
    promise.then(
      (value) => end(() => resolve(value)),
      (error: unknown) => end(() => reject(error as Error)),
    );
    if (signal?.aborted) onAbort();
  });
}

/** Waits. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const passed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  return within(passed, undefined, () => new Aborted(), signal).finally(() => clearTimeout(timer));
}
