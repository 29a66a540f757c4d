/** Numbers as a person reads them. */

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const oneDecimal = new Intl.NumberFormat('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** 1234567 is `1,234,567`. */
export function formatCount(count: number): string {
  return whole.format(count);
}

/** 2 and `tenant` is `2 tenants`; 1 stays alone. */
export function formatCounted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** A quotient with one decimal; a dash where nothing was counted. */
export function formatRatio(count: number, per: number): string {
  return per === 0 ? '-' : oneDecimal.format(count / per);
}

/** `12,345/s`; a dash where no time has passed. */
export function formatRate(count: number, elapsedMs: number): string {
  return elapsedMs <= 0 ? '-' : `${formatCount((count * 1_000) / elapsedMs)}/s`;
}

/** Integer cents as an amount: 123456 is `1,234.56`. No floating point sum is ever made. */
export function formatCents(cents: number): string {
  const rest = String(Math.abs(cents) % 100).padStart(2, '0');
  return `${cents < 0 ? '-' : ''}${formatCount(Math.floor(Math.abs(cents) / 100))}.${rest}`;
}

/** Microseconds in the unit that suits them. */
export function formatMicros(micros: number): string {
  if (micros < 1_000) return `${formatCount(micros)} µs`;
  if (micros < 1_000_000) return `${(micros / 1_000).toFixed(micros < 100_000 ? 2 : 0)} ms`;
  return `${(micros / 1_000_000).toFixed(2)} s`;
}

/** Milliseconds as seconds. */
export function formatSeconds(ms: number): string {
  return `${oneDecimal.format(ms / 1_000)} s`;
}
