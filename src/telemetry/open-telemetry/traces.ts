/**
 * The spans of a runtime, all made on main: threads have no SDK. `ramax.execute` is made as the call is made; what shards, the
 * writer and others report of it become its children, with the times that they say.
 *
 * Invariant: a call that is not sampled carries no trace context, so nobody else learns of it.
 */

import {
  type Attributes,
  type Context,
  context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { SpanRecord } from '../measurements.js';
import type { ObservedCommand } from '../telemetry.js';
import { readTraceparent, traceparentText } from '../trace-context.js';

/** The context in which `traceparent` was written, as that of a parent elsewhere; the root where it says none. */
export function remoteContext(traceparent: string | undefined): Context {
  const parts = readTraceparent(traceparent);
  return parts === undefined
    ? ROOT_CONTEXT
    : trace.setSpanContext(ROOT_CONTEXT, { ...parts, isRemote: true });
}

/** See the head of this file. */
export class Traces {
  readonly #tracer: Tracer;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  /** Begins the span of a command, or gives none where it is not sampled. */
  execute({ traceparent, spaceId, spaceName, command }: ObservedCommand): Span | undefined {
    const parent = traceparent === undefined ? context.active() : remoteContext(traceparent);
    const attributes = {
      'ramax.space.id': spaceId,
      'ramax.space.name': spaceName,
      'ramax.command.name': command,
    };
    return this.#begin('ramax.execute', attributes, parent);
  }

  /** The same of a long call. */
  upkeep(name: string, attributes: Attributes): Span | undefined {
    return this.#begin(name, attributes, context.active());
  }

  /** What was done elsewhere. */
  done({ name, traceparent, startedAt, endedAt, attributes }: SpanRecord): void {
    const span = this.#tracer.startSpan(
      name,
      { startTime: startedAt, attributes },
      remoteContext(traceparent),
    );
    span.end(Math.max(startedAt, endedAt));
  }

  #begin(name: string, attributes: Attributes, parent: Context): Span | undefined {
    const options = { kind: SpanKind.INTERNAL, attributes };
    const span = this.#tracer.startSpan(name, options, parent);
    return span.isRecording() ? span : undefined;
  }
}

/** The trace context that whatever belongs to `span` carries. */
export function traceparentOfSpan(span: Span): string {
  return traceparentText(span.spanContext());
}

/** Ends a span that has failed; a rejection is an answer, but no success. */
export function endFailed(span: Span, code: string, error: unknown): void {
  span.setAttribute('error.type', code);
  span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : code });
  span.end();
}
