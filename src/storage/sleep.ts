import type { Clock } from '../core/clock.js';

/** `setInterval` takes at most this. */
const longestIntervalMs = 2 ** 31 - 1;

/**
 * Waits, or until `signal` aborts, and keeps the process alive meanwhile. The clock's timers do not, and a runtime that
 * is just starting may have nothing else that does.
 */
export async function sleep(delayMs: number, clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  const keepAlive = setInterval(() => {}, longestIntervalMs);
  try {
    await new Promise<void>((wake) => {
      const timer = clock.after(delayMs, finish);
      signal?.addEventListener('abort', finish, { once: true });
      function finish(): void {
        timer.cancel();
        signal?.removeEventListener('abort', finish);
        wake();
      }
    });
  } finally {
    clearInterval(keepAlive);
  }
}
