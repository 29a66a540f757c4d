/**
 * W3C trace context as Ramax carries it: the text `traceparent`, from a call to the metadata of its events, and from there to whatever
 * reacts to them.
 */

/** Version 00: trace id, span id of the parent, flags. */
const traceparentPattern = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The parts of a `traceparent`. */
export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}

/** The text of a context. */
export function traceparentText({ traceId, spanId, traceFlags }: TraceContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/** The parts of what is written by the rules, or undefined: metadata is whatever an app has put there. */
export function readTraceparent(text: unknown): TraceContext | undefined {
  if (typeof text !== 'string' || !traceparentPattern.test(text)) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = text.split('-');
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}

/** The `traceparent` of the command that an event was made by; undefined when that was not traced. */
export function traceparentOf(event: {
  readonly metadata: Readonly<Record<string, unknown>>;
}): string | undefined {
  const { traceparent } = event.metadata;
  return readTraceparent(traceparent) === undefined ? undefined : (traceparent as string);
}
