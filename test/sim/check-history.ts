/**
 * The checker: compares what clients saw with what the log has. It knows nothing of the engine: sequences give the order,
 * a fold written here gives the state, and markers say which command wrote which event.
 */

import { decode } from 'msgpackr';
import type { StoredEvent } from '../../src/event-store/port.js';
import { canonical, checkPicture, checkWatcher, fold } from './check-views.js';
import type { History, SentCommand } from './history.js';

/** An event of the ledger as it is in the log. */
export interface LedgerEvent {
  readonly spaceSequence: number;
  readonly eventId: number;
  readonly type: string;
  readonly payload: { readonly marker: string; readonly amount: number; readonly removed: string };
}

/** Every promise that this history breaks, in words; empty when it keeps them all. */
export function brokenPromises(history: History): string[] {
  const broken: string[] = [...history.failedReads];
  const spaces = [...history.house.disk.log.spaces.values()];
  const events = new Map(
    spaces.map(({ spaceId, spaceName }) => [
      spaceName,
      (history.house.disk.log.spaceIndex.get(spaceId) ?? []).map(openEvent),
    ]),
  );
  checkOrder(history, broken);
  for (const [spaceName, log] of events) {
    const commands = history.commands.filter((command) => command.spaceName === spaceName);
    checkAnswers(spaceName, log, commands, broken);
    checkOnce(spaceName, log, commands, broken);
    checkRealTime(spaceName, commands, broken);
    checkStates(history, spaceName, log, broken);
    const isOfSpace = (of: { readonly spaceName: string }): boolean => of.spaceName === spaceName;
    for (const picture of history.pictures.filter(isOfSpace)) checkPicture(log, picture, broken);
    for (const watcher of history.watchers.filter(isOfSpace)) checkWatcher(log, watcher, broken);
  }
  checkIsolation(history, events, broken);
  for (const read of history.reads) {
    if (read.sequenceSeen > read.onDisk) {
      broken.push(
        `${read.spaceName}: a read saw sequence ${read.sequenceSeen} when ${read.onDisk} was on disk`,
      );
    }
    if (read.sequenceSeen < read.ownWrite) {
      broken.push(
        `${read.spaceName}: a read saw ${read.sequenceSeen} after the caller's own write ${read.ownWrite}`,
      );
    }
  }
  return broken;
}

function openEvent(stored: StoredEvent): LedgerEvent {
  const { spaceSequence, eventId, type } = stored;
  return { spaceSequence, eventId, type, payload: decode(stored.payload) };
}

/** Promise 2: dense sequences per space, event ids in commit order. */
function checkOrder({ house }: History, broken: string[]): void {
  let lastEventId = 0;
  for (const { eventId } of house.disk.log.events) {
    if (eventId <= lastEventId) broken.push(`event id ${eventId} follows ${lastEventId}`);
    lastEventId = eventId;
  }
  for (const [spaceId, log] of house.disk.log.spaceIndex) {
    log.forEach(({ spaceSequence }, index) => {
      if (spaceSequence !== index + 1)
        broken.push(`space ${spaceId}: sequence ${spaceSequence} at place ${index + 1}`);
    });
  }
}

/** Promise 1: an ok answer was on disk when it came, is there now, and says where. A refusal wrote nothing. */
function checkAnswers(
  spaceName: string,
  log: readonly LedgerEvent[],
  commands: readonly SentCommand[],
  broken: string[],
): void {
  const byMarker = new Map(log.map((event) => [event.payload.marker, event]));
  for (const { answer, markers, commandId } of commands) {
    if (answer === undefined) {
      broken.push(`${spaceName}: a command was never answered`);
      continue;
    }
    const written = markers.filter((marker) => byMarker.has(marker));
    if (answer.kind === 'ok') {
      const { eventIds, spaceSequence } = answer.result;
      const ids = markers.map((marker) => byMarker.get(marker)?.eventId);
      if (answer.onDisk < spaceSequence)
        broken.push(`${spaceName}: answered ${spaceSequence} before it was on disk`);
      if (JSON.stringify(ids) !== JSON.stringify(eventIds)) {
        broken.push(`${spaceName}: answered events ${eventIds.join()} but the log has ${ids.join()}`);
      }
    } else if (answer.error.code !== 'outcome_unknown' && written.length > 0 && commandId === undefined) {
      broken.push(`${spaceName}: refused with ${answer.error.code}, but ${written.join()} is in the log`);
    } else if (written.length > 0 && written.length < markers.length) {
      broken.push(`${spaceName}: a part of a command is in the log`);
    }
    if (answer.kind === 'error' && answer.seen > answer.onDisk) {
      broken.push(
        `${spaceName}: a rejection saw ${answer.seen} entries when ${answer.onDisk} events were on disk`,
      );
    }
  }
}

/** Promise 5: every command is in the log at most once, and all copies have the same answer. */
function checkOnce(
  spaceName: string,
  log: readonly LedgerEvent[],
  commands: readonly SentCommand[],
  broken: string[],
): void {
  const times = new Map<string, number>();
  for (const { payload } of log) times.set(payload.marker, (times.get(payload.marker) ?? 0) + 1);
  for (const [marker, count] of times) {
    if (count > 1) broken.push(`${spaceName}: ${marker} is in the log ${count} times`);
  }
  const answers = new Map<string, string>();
  for (const { commandId, answer } of commands) {
    if (commandId === undefined || answer?.kind !== 'ok') continue;
    const text = JSON.stringify(answer.result);
    const first = answers.get(commandId) ?? text;
    answers.set(commandId, first);
    if (first !== text)
      broken.push(`${spaceName}: copies of ${commandId} were answered ${first} and ${text}`);
  }
}

/** Promise 2: an answer that came before another command was sent implies a smaller sequence. */
function checkRealTime(spaceName: string, commands: readonly SentCommand[], broken: string[]): void {
  const firstCopies = new Map<string, SentCommand>();
  const written = commands.filter((command) => {
    if (command.answer?.kind !== 'ok' || command.answer.result.eventIds.length === 0) return false;
    if (command.commandId === undefined) return true;
    if (firstCopies.has(command.commandId)) return false;
    firstCopies.set(command.commandId, command);
    return true;
  });
  for (const earlier of written) {
    for (const later of written) {
      if (earlier.answer?.kind !== 'ok' || later.answer?.kind !== 'ok' || earlier.answer.at > later.sentAt)
        continue;
      if (earlier.answer.result.spaceSequence >= later.answer.result.spaceSequence) {
        broken.push(
          `${spaceName}: an answer came before another command was sent, but its sequence is not smaller`,
        );
      }
    }
  }
}

/** Promise 3: the state is the fold of the log, live and after a restart. */
function checkStates(
  history: History,
  spaceName: string,
  log: readonly LedgerEvent[],
  broken: string[],
): void {
  for (const state of history.states.filter((candidate) => candidate.spaceName === spaceName)) {
    const { main, amounts } = fold(log.slice(0, state.sequence), state.version);
    for (const [view, expected, actual] of [
      ['main', main, state.main],
      ['amounts', amounts, state.amounts],
    ] as const) {
      if (canonical(expected) !== canonical(actual)) {
        broken.push(
          `${spaceName}: view ${view} ${state.when} is ${canonical(actual)}, the fold is ${canonical(expected)}`,
        );
      }
    }
  }
}

/** Promise 4: a space's log has only what was sent to it. */
function checkIsolation(
  history: History,
  events: ReadonlyMap<string, readonly LedgerEvent[]>,
  broken: string[],
): void {
  const home = new Map(
    history.commands.flatMap(({ markers, spaceName }) => markers.map((marker) => [marker, spaceName])),
  );
  for (const [spaceName, log] of events) {
    for (const { payload } of log) {
      if (home.get(payload.marker) !== spaceName)
        broken.push(`${spaceName} has an event of ${home.get(payload.marker)}`);
    }
  }
}
