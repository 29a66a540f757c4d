/**
 * Frames of the link from a shard to the writer: appends as text with bytes beside it, everything else packed.
 *
 * An append crosses as the header that its event was hashed with, so that an event's facts are put into text once; its hashes and
 * payloads lie one behind the other in the bytes, in the order in which the text speaks of them. The answer is two numbers.
 *
 *   [request, callId, call, spaceId, generation, previousSequence, command, header…]   previous hash, then hash and payload of each
 *   [request, callId, call, spaceId, generation, previousSequence, command, invocation id]   without events: previous hash
 *   … with the trace context of a traced command as the last place of `command`
 *   [reply, callId, call, firstEventId, spaceSequence]
 *   [kind, callId, call, length]                                                        any other frame: its body, packed
 */

import type { PackedBodies } from '../codec/packed-frames.js';
import type { Appended, ChainedAppend, FencedAppend } from '../content-store/log-link.js';
import { assert } from '../core/assert.js';
import { quoted } from '../core/json-text.js';
import type { SealedEvent } from '../event-store/port.js';
import { type Frame, type FrameCodec, reply, request } from './frames.js';
import type { Message } from './port.js';

/** An event's header, as `headerOf` in `event-store/seal.ts` writes it. */
type Header = readonly [
  spaceSequence: number,
  entityId: string,
  type: string,
  version: number,
  timestamp: number,
  invocationId: string,
  causationId: string | null,
  correlationId: string | null,
  tags: string | null,
  metadata: string | null,
  payloadBytes: number,
];

type Command = FencedAppend['command'];

/** The record of a command that has an id, and the trace context of one that is traced; null when it is neither. */
type CommandPlaces =
  | readonly [commandId: string, commandName: string, paramsHash: string, traceparent?: string]
  | readonly [noId: null, noName: null, noHash: null, traceparent: string];

type AppendRow = readonly [
  kind: typeof request,
  callId: number,
  call: number,
  spaceId: number,
  generation: number,
  previousSequence: number,
  command: CommandPlaces | null,
  ...eventsOrInvocation: (Header | string)[],
];

type AppendedRow = readonly [
  kind: typeof reply,
  callId: number,
  call: number,
  firstEventId: number,
  spaceSequence: number,
];

type OtherRow = readonly [kind: Frame[0], callId: number, call: number, bytes: number];

type Row = AppendRow | AppendedRow | OtherRow;

const eventsAt = 7;
const hashBytes = 16;

/**
 * The codec of a link with appends.
 *
 * @param appendCall the number of the call `append`
 * @param bodies packs the bodies of all other calls
 */
export function appendFrames(appendCall: number, bodies: PackedBodies): FrameCodec<Frame> {
  const isAppend = (kind: Frame[0], call: number): boolean =>
    call === appendCall && (kind === request || kind === reply);
  return {
    gather: (kind, callId, call, body) => [kind, callId, call, body],
    headOf: (frame) => frame,
    encode(frames) {
      const beside = new BytesBeside();
      const texts = frames.map(([kind, callId, call, body]) => {
        const head = `[${kind},${callId},${call},`;
        if (!isAppend(kind, call)) return `${head}${beside.add(bodies.pack(body))}]`;
        return `${head}${kind === request ? appendText(body as ChainedAppend, beside) : appendedText(body as Appended)}]`;
      });
      const text = `[${texts.join(',')}]`;
      return beside.size === 0 ? text : { text, bytes: beside.take() };
    },
    decode(message) {
      const { text, bytes } = partsOf(message);
      const taken = new BytesTaken(bytes);
      return (JSON.parse(text) as Row[]).map((row): Frame => {
        const [kind, callId, call] = row;
        if (!isAppend(kind, call))
          return [kind, callId, call, bodies.unpack(taken.next((row as OtherRow)[3]))];
        return [
          kind,
          callId,
          call,
          kind === request ? appendOf(row as AppendRow, taken) : appendedOf(row as AppendedRow),
        ];
      });
    },
  };
}

function appendText(append: ChainedAppend, beside: BytesBeside): string {
  const { spaceId, generation, previousSequence, previousHash, invocationId, events, command, traceparent } =
    append;
  assert(previousHash?.length === hashBytes, 'an append of a shard states the hash that it follows');
  beside.add(previousHash);
  let text = `${spaceId},${generation},${previousSequence},${commandText(command, traceparent)}`;
  if (events.length === 0) return `${text},${quoted(invocationId)}`;
  for (const { header, hash, payload } of events) {
    text += `,${header}`;
    beside.add(hash);
    beside.add(payload);
  }
  return text;
}

function commandText(command: Command, traceparent: string | undefined): string {
  const trace = traceparent === undefined ? '' : `,${quoted(traceparent)}`;
  if (command === null) return trace === '' ? 'null' : `[null,null,null${trace}]`;
  return `[${quoted(command.commandId)},${quoted(command.commandName)},${quoted(command.paramsHash)}${trace}]`;
}

function commandOf(places: CommandPlaces | null): Command {
  if (places === null || places[0] === null) return null;
  return { commandId: places[0], commandName: places[1], paramsHash: places[2] };
}

function appendOf(row: AppendRow, taken: BytesTaken): FencedAppend {
  const previousHash = taken.next(hashBytes);
  const events: SealedEvent[] = [];
  let invocationId = '';
  for (let index = eventsAt; index < row.length; index++) {
    const header = row[index] as Header | string;
    if (typeof header === 'string') {
      invocationId = header;
    } else {
      invocationId = header[5];
      events.push(eventOf(header, taken));
    }
  }
  const [, , , spaceId, generation, previousSequence, command] = row;
  return {
    kind: 'append',
    spaceId,
    generation,
    previousSequence,
    previousHash,
    invocationId,
    events,
    command: commandOf(command),
    traceparent: command?.[3],
  };
}

function eventOf(header: Header, taken: BytesTaken): SealedEvent {
  const hash = taken.next(hashBytes);
  return {
    entityId: header[1],
    type: header[2],
    version: header[3],
    payload: taken.next(header[10]),
    timestamp: header[4],
    causationId: header[6],
    correlationId: header[7],
    tags: header[8],
    metadata: header[9],
    hash,
  };
}

function appendedText({ firstEventId, spaceSequence }: Appended): string {
  return `${firstEventId},${spaceSequence}`;
}

function appendedOf([, , , firstEventId, spaceSequence]: AppendedRow): Appended {
  return { firstEventId, spaceSequence };
}

const noBytes = new Uint8Array(0);

function partsOf(message: Message): { readonly text: string; readonly bytes: Uint8Array } {
  if (typeof message === 'string') return { text: message, bytes: noBytes };
  assert(!(message instanceof Uint8Array), 'a batch with appends has text');
  return message;
}

/** Bytes that are put together when all of them are known. */
class BytesBeside {
  readonly #parts: Uint8Array[] = [];
  size = 0;

  /** @returns how many that are */
  add(part: Uint8Array): number {
    this.#parts.push(part);
    this.size += part.length;
    return part.length;
  }

  /** In a buffer of their own, which can be handed over. */
  take(): Uint8Array {
    const bytes = new Uint8Array(this.size);
    let end = 0;
    for (const part of this.#parts) {
      bytes.set(part, end);
      end += part.length;
    }
    return bytes;
  }
}

/** Bytes that are taken apart from their beginning. */
class BytesTaken {
  readonly #bytes: Uint8Array;
  #start = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  next(length: number): Uint8Array {
    const start = this.#start;
    this.#start += length;
    assert(this.#start <= this.#bytes.length, 'the bytes beside a text are as many as it says');
    return this.#bytes.subarray(start, this.#start);
  }
}
