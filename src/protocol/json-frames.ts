/**
 * Frames as JSON text: the cheapest carrier of JSON values, for links that carry no bytes.
 *
 * A frame is written when it is pushed. Its objects die young then, and text costs the garbage collector little; a batch that is
 * kept as objects until it leaves lives long enough to be copied twice.
 */

import type { ReplyOf, RequestOf, SentOf } from './call-table.js';
import type { Frame, FrameCodec } from './frames.js';
import { reply, request } from './frames.js';

/** How a body crosses where that is not as it is: shorter, or with parts that are text already. */
export interface CompactBody<Sent, Received = Sent> {
  /** JSON. */
  write(body: Sent): string;
  /** @param json what `write` wrote, parsed */
  read(json: never): Received;
}

/** The calls of a table whose bodies are compact. */
export type CompactCalls<Table> = {
  readonly [Name in keyof Table]?: {
    readonly request?: CompactBody<SentOf<Table, Name>, RequestOf<Table, Name>>;
    readonly reply?: CompactBody<ReplyOf<Table, Name>>;
  };
};

/** The codec of a link, with its compact calls. */
export function compactJsonFrames<Table>(
  calls: { readonly [Name in keyof Table]: number },
  compact: CompactCalls<Table>,
): FrameCodec<string> {
  return new JsonFrames(
    byNumber(calls, (name) => compact[name]?.request),
    byNumber(calls, (name) => compact[name]?.reply),
  );
}

type AnyBody = CompactBody<never, unknown>;

/** By the number of the call. */
type Bodies = readonly (AnyBody | undefined)[];

function byNumber<Table>(
  calls: { readonly [Name in keyof Table]: number },
  bodyOf: (name: keyof Table) => AnyBody | undefined,
): Bodies {
  const bodies: (AnyBody | undefined)[] = [];
  for (const name of Object.keys(calls) as (keyof Table)[]) bodies[calls[name]] = bodyOf(name);
  return bodies;
}

class JsonFrames implements FrameCodec<string> {
  readonly #requests: Bodies;
  readonly #replies: Bodies;

  constructor(requests: Bodies, replies: Bodies) {
    this.#requests = requests;
    this.#replies = replies;
  }

  gather(kind: Frame[0], callId: number, call: number, body: unknown): string {
    const compact = this.#compact(kind, call);
    const text =
      compact === undefined ? (JSON.stringify(body) as string | undefined) : compact.write(body as never);
    return `[${kind},${callId},${call},${text ?? 'null'}]`;
  }

  encode(gathered: readonly string[]): string {
    return `[${gathered.join(',')}]`;
  }

  decode(message: unknown): readonly Frame[] {
    const frames = JSON.parse(String(message)) as [Frame[0], number, number, unknown][];
    for (const frame of frames) {
      const compact = this.#compact(frame[0], frame[2]);
      if (compact !== undefined) frame[3] = compact.read(frame[3] as never);
    }
    return frames;
  }

  /** The text begins with both. */
  headOf(gathered: string): [Frame[0], number] {
    return JSON.parse(`${gathered.slice(0, gathered.indexOf(',', gathered.indexOf(',') + 1))}]`) as [
      Frame[0],
      number,
    ];
  }

  #compact(kind: Frame[0], call: number): AnyBody | undefined {
    if (kind === request) return this.#requests[call];
    return kind === reply ? this.#replies[call] : undefined;
  }
}

/** For links whose bodies all cross as they are. */
export const jsonFrames: FrameCodec<string> = new JsonFrames([], []);
