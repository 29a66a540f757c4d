/**
 * Holds what a client was promised against what the log has: every acknowledged command is there, once, whole, at its
 * place; refused ones are not; those of which nobody knows are there once or not at all; and the order of the log is an
 * order in which it can have happened.
 */

import { type AnswerLine, commandsOf, type LedgerCommand, type LedgerLine } from '../ledger.js';
import { bySpace } from './check-log.js';
import type { Mark } from './fold.js';
import type { LogCommand, LogContents, LogEvent } from './log-file.js';

/** What a check of a ledger says. */
export interface LedgerVerdict {
  readonly broken: readonly string[];
  /** Commands with an ok answer. */
  readonly acknowledged: number;
}

/** See the head of this file. `log` is undefined where there is none yet. */
export function checkLedger(
  lines: readonly LedgerLine[],
  log: LogContents | undefined,
  hasForgotten = false,
): LedgerVerdict {
  const broken: string[] = [];
  const commands = commandsOf(lines);
  const found = new Found(log);
  let acknowledged = 0;
  for (const command of commands.values()) {
    if (checkCommand(command, found, hasForgotten, broken)) acknowledged++;
  }
  for (const [marker, events] of found.byMarker) {
    const space = commands.get(marker)?.space;
    const spaceId = events[0]?.spaceId ?? 0;
    if (space === undefined) broken.push(`the log has ${marker}, which nobody has sent`);
    else if (log?.spaces.get(spaceId) !== space) {
      broken.push(`${marker} was sent to ${space} and is in space ${spaceId}`);
    }
  }
  checkRealTime(lines, commands, broken);
  checkSeen(lines, found, broken);
  for (const line of lines) {
    if (line.k === 'wrong') broken.push(line.what);
    if (line.k === 'error' && line.code?.startsWith('untyped'))
      broken.push(`a call was answered ${line.code}`);
  }
  return { broken, acknowledged };
}

/** The log, ready to be asked. */
class Found {
  readonly byMarker = new Map<string, LogEvent[]>();
  readonly records = new Map<string, LogCommand>();
  readonly heads = new Map<string, number>();

  constructor(log: LogContents | undefined) {
    if (log === undefined) return;
    for (const event of log.events) {
      const marker = (event.payload as Mark | undefined)?.marker ?? `event ${event.eventId}`;
      const known = this.byMarker.get(marker);
      if (known === undefined) this.byMarker.set(marker, [event]);
      else known.push(event);
    }
    for (const command of log.commands) {
      this.records.set(`${log.spaces.get(command.spaceId)} ${command.commandId}`, command);
    }
    for (const [spaceId, events] of bySpace(log.events)) {
      this.heads.set(log.spaces.get(spaceId) ?? '', events.at(-1)?.sequence ?? 0);
    }
  }
}

/** Says whether it was acknowledged. */
function checkCommand(
  command: LedgerCommand,
  found: Found,
  hasForgotten: boolean,
  broken: string[],
): boolean {
  const { marker, space, parts, id, calls } = command;
  const where = `${space}, ${command.command} ${marker}`;
  const events = found.byMarker.get(marker) ?? [];
  const answers = calls.flatMap(({ answer }) => (answer === undefined ? [] : [answer]));
  const oks = answers.filter(({ k }) => k === 'ok');
  checkWhole(where, parts, events, broken);
  for (const ok of oks) checkAnswer(where, ok, parts, events, found.heads.get(space) ?? 0, broken);
  // Without a commandId every sending is a command of its own, and none is sent twice.
  const [first] = oks;
  if (oks.some((ok) => ok.seq !== first?.seq || String(ok.eventIds) !== String(first?.eventIds))) {
    broken.push(`${where}: copies of it had different answers`);
  }
  const isOpen = answers.length < calls.length || answers.some(({ code }) => code === 'outcome_unknown');
  if (oks.length === 0 && !isOpen && events.length > 0) {
    broken.push(`${where}: it was refused with ${answers.map(({ code }) => code).join()}, and is in the log`);
  }
  if (first !== undefined && id !== undefined && !hasForgotten)
    checkRecord(where, first, found.records.get(`${space} ${id}`), broken);
  return oks.length > 0;
}

function checkWhole(where: string, parts: number, events: readonly LogEvent[], broken: string[]): void {
  if (events.length === 0) return;
  if (events.length > parts) broken.push(`${where}: it is in the log ${events.length / parts} times`);
  else if (events.length < parts)
    broken.push(`${where}: ${events.length} of its ${parts} events are in the log`);
  else {
    const isWhole = events.every(
      ({ payload, sequence, eventId }, part) =>
        (payload as Mark).part === part &&
        sequence === (events[0]?.sequence ?? 0) + part &&
        eventId === (events[0]?.eventId ?? 0) + part,
    );
    if (!isWhole) broken.push(`${where}: its events do not stand together in order`);
  }
}

function checkAnswer(
  where: string,
  { eventIds = [], seq = 0 }: AnswerLine,
  parts: number,
  events: readonly LogEvent[],
  head: number,
  broken: string[],
): void {
  if (eventIds.length !== parts)
    broken.push(`${where}: the answer names ${eventIds.length} events instead of ${parts}`);
  if (events.length === 0 && parts > 0) {
    broken.push(`${where}: it was acknowledged at ${seq} and is not in the log`);
    return;
  }
  if (String(events.map(({ eventId }) => eventId)) !== String(eventIds)) {
    broken.push(
      `${where}: it was acknowledged as ${eventIds.join()}, the log has it as ${events.map(({ eventId }) => eventId).join()}`,
    );
  }
  if (parts > 0 && events.at(-1)?.sequence !== seq) {
    broken.push(`${where}: it was acknowledged at ${seq}, the log has it at ${events.at(-1)?.sequence}`);
  }
  if (seq > head) broken.push(`${where}: the answer spoke of sequence ${seq}, and the log ends at ${head}`);
}

function checkRecord(
  where: string,
  answer: AnswerLine,
  record: LogCommand | undefined,
  broken: string[],
): void {
  if (record === undefined) {
    broken.push(`${where}: it was acknowledged, and there is no record of its commandId`);
    return;
  }
  const { eventIds = [], seq } = answer;
  const isSame =
    record.eventCount === eventIds.length &&
    record.sequence === seq &&
    record.firstEventId === (eventIds[0] ?? 0);
  if (!isSame) broken.push(`${where}: the record of its commandId says something else than the answer`);
}

/** An answer that came before another command was sent implies a smaller sequence. One pass over the ledger. */
function checkRealTime(
  lines: readonly LedgerLine[],
  commands: ReadonlyMap<string, LedgerCommand>,
  broken: string[],
): void {
  const happenings: { at: number; space: string; seq: number; command?: LedgerCommand }[] = [];
  for (const command of commands.values()) {
    const answered = command.calls.filter(({ answer }) => answer?.k === 'ok');
    const [first] = answered;
    if (first?.answer?.seq === undefined) continue;
    const { space } = command;
    // A copy may be answered with what an earlier one did: what counts is when the first one was sent.
    happenings.push({ at: command.calls[0]?.sentAt ?? 0, space, seq: first.answer.seq, command });
    happenings.push({
      at: Math.min(...answered.map(({ answeredAt }) => answeredAt)),
      space,
      seq: first.answer.seq,
    });
  }
  for (const [at, line] of lines.entries()) {
    if (line.k === 'seen') happenings.push({ at, space: line.space, seq: line.seq });
  }
  happenings.sort((left, right) => left.at - right.at);
  const floors = new Map<string, number>();
  for (const { space, seq, command } of happenings) {
    const floor = floors.get(space) ?? 0;
    if (command === undefined) floors.set(space, Math.max(floor, seq));
    else if (command.parts > 0 ? seq <= floor : seq < floor) {
      broken.push(
        `${space}, ${command.marker}: it was sent when the space was known to be at ${floor}, and is at ${seq}`,
      );
    }
  }
}

/** What a read has shown stays true, and a client reads what it has written. */
function checkSeen(lines: readonly LedgerLine[], found: Found, broken: string[]): void {
  for (const line of lines) {
    if (line.k !== 'seen') continue;
    const head = found.heads.get(line.space) ?? 0;
    if (line.seq > head)
      broken.push(`${line.space}: a read has shown sequence ${line.seq}, and the log ends at ${head}`);
    if (line.seq < line.floor)
      broken.push(`${line.space}: a read has shown ${line.seq} after an answer at ${line.floor}`);
  }
}
