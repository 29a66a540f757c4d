/**
 * Loaded before a program (`node -r`), in each of its threads: the wall clock jumps. `TORTURE_CLOCK` is JSON: `origin`, the
 * monotonic nanoseconds from which jumps count, the same for all threads, and `jumps`, pairs of milliseconds after it and
 * the offset from then on.
 */

interface Jumps {
  readonly origin: string;
  readonly jumps: readonly (readonly [afterMs: number, offsetMs: number])[];
}

const plan = JSON.parse(process.env['TORTURE_CLOCK'] ?? '{"origin":"0","jumps":[]}') as Jumps;
const origin = BigInt(plan.origin);

function offsetMs(): number {
  const elapsedMs = Number((process.hrtime.bigint() - origin) / 1_000_000n);
  let offset = 0;
  for (const [afterMs, jumped] of plan.jumps) if (elapsedMs >= afterMs) offset = jumped;
  return offset;
}

const now = Date.now.bind(Date);
Date.now = () => now() + offsetMs();
