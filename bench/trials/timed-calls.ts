/** Many calls of one kind, one after the other. */

/** The 99th percentile of their times, in milliseconds. */
export async function timedCalls(count: number, call: (n: number) => unknown): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const startedMs = performance.now();
    const answer = call(n);
    if (answer instanceof Promise) await answer;
    times.push(performance.now() - startedMs);
  }
  times.sort((left, right) => left - right);
  return times[Math.ceil(times.length * 0.99) - 1] ?? 0;
}
