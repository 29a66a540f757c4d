/**
 * Backup, export, import, clone and restore under load. Copies are held against their originals with plain SQL: the same
 * events in the same order, byte by byte, the same records of commands, and a state that is their fold. A restored backup has all
 * that was acknowledged before it was asked for.
 */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { checkLedger } from '../checker/check-ledger.js';
import { bySpace, checkLog } from '../checker/check-log.js';
import { checkStoredViews, checkTold } from '../checker/check-states.js';
import { type LogContents, type LogEvent, readLog, readViews } from '../checker/log-file.js';
import { Child } from '../child.js';
import { type LedgerLine, readLedger } from '../ledger.js';
import { newDirectory } from '../places.js';
import type { CopiesPlan, MadeCopy } from '../programs/copies.js';
import { type Row, type RowOutcome, sumOf } from '../row.js';

/** What one trial makes. */
const copiesPerTrial = 4;

async function copyAll(seed: number, weakness?: CopiesPlan['weakness']): Promise<RowOutcome> {
  const directory = newDirectory('copies');
  const child = new Child('copies', { directory, seed, weakness } satisfies CopiesPlan);
  const { code, signal, complaint } = await child.ended;
  const made = child.lines.map((line) => JSON.parse(line) as MadeCopy);
  const broken = code === 0 ? [] : [`the program ended with ${code ?? signal}: ${complaint}`];
  if (code === 0 && made.length !== copiesPerTrial) broken.push(`it has made ${made.length} copies`);
  const checked = code === 0 ? check(directory, made) : { broken: [], acknowledged: 0 };
  const violations = [...broken, ...checked.broken].slice(0, 20).map((what) => ({ seed, what }));
  const isKept = violations.length > 0 && weakness === undefined;
  if (!isKept) rmSync(directory, { recursive: true });
  const notes = isKept ? [`evidence: ${directory}`] : [];
  return { trials: 1, faults: made.length, acknowledged: checked.acknowledged, violations, notes };
}

function check(directory: string, made: readonly MadeCopy[]): { broken: string[]; acknowledged: number } {
  const lines = readLedger(join(directory, 'ledger.jsonl'));
  const logs = { data: logIn(directory, 'data'), elsewhere: logIn(directory, 'elsewhere') };
  const copies = new Set(
    made.flatMap((copy) => (copy.kind === 'space' && copy.in === 'data' ? copy.to : [])),
  );
  const original = without(logs.data, copies);
  const { broken, acknowledged } = checkLedger(lines, original);
  return {
    acknowledged,
    broken: [
      ...broken,
      ...checkTold(original, lines),
      ...checkApart(logs.data, copies),
      ...checkLog(logs.elsewhere, { isCopied: true }),
      ...['data', 'elsewhere'].flatMap((name) => storedViewsIn(directory, name)),
      ...made.flatMap((copy) =>
        copy.kind === 'backup'
          ? checkBackup(logIn(directory, 'restored'), lines, copy.linesBefore)
          : checkCopy(copy, logs.data, logs[copy.in]),
      ),
      ...storedViewsIn(directory, 'restored'),
    ],
  };
}

function logIn(directory: string, name: string): LogContents {
  const log = readLog(join(directory, name));
  if (log === undefined) throw new Error(`there is no log in ${name}`);
  return log;
}

function storedViewsIn(directory: string, name: string): string[] {
  const log = logIn(directory, name);
  return checkStoredViews(log, readViews(join(directory, name), log.logId));
}

/** The log as the ledger knows it: without the copies that were made in it. */
function without(log: LogContents, copies: ReadonlySet<string>): LogContents {
  return partOf(log, (name) => !copies.has(name));
}

function partOf(log: LogContents, isPart: (name: string) => boolean): LogContents {
  const spaces = new Map([...log.spaces].filter(([, name]) => isPart(name)));
  return {
    ...log,
    spaces,
    events: log.events.filter(({ spaceId }) => spaces.has(spaceId)),
    commands: log.commands.filter(({ spaceId }) => spaces.has(spaceId)),
  };
}

/** A copy has the commands of its original, which is one log twice for a check that looks for commands that stand in two places. */
function checkApart(log: LogContents, copies: ReadonlySet<string>): string[] {
  const inLog = [...log.spaces.values()].filter((name) => copies.has(name));
  const ofCopies = inLog.map((copy) => partOf(log, (name) => name === copy));
  return [
    ...checkLog(without(log, copies)),
    ...ofCopies.flatMap((copy) => checkLog(copy, { isCopied: true })),
  ];
}

/** What was answered after the call may be in the backup or not; the copies in it may be there, too. */
function checkBackup(restored: LogContents, lines: readonly LedgerLine[], linesBefore: number): string[] {
  const known = lines.filter((line, at) => at < linesBefore || line.k === 'sent' || line.k === 'run');
  const names = new Set(lines.flatMap((line) => (line.k === 'sent' ? line.space : [])));
  const copies = new Set([...restored.spaces.values()].filter((name) => !names.has(name)));
  const { broken } = checkLedger(known, without(restored, copies));
  return [...checkApart(restored, copies), ...broken].map((what) => `restored backup: ${what}`);
}

function checkCopy(
  copy: MadeCopy & { readonly kind: 'space' },
  log: LogContents,
  copied: LogContents,
): string[] {
  const { how, from, to, sequenceMin, sequenceMax, state } = copy;
  const originals = eventsOf(log, from);
  const copies = eventsOf(copied, to);
  const where = `${how} of ${from}`;
  const broken: string[] = [];
  if (copies.length < sequenceMin || copies.length > sequenceMax)
    broken.push(`${where}: it has ${copies.length} events, not ${sequenceMin} to ${sequenceMax}`);
  const at = copies.findIndex((event, index) => factsOf(event) !== factsOf(originals[index]));
  if (at >= 0) broken.push(`${where}: event ${at + 1} is not that of the original`);
  const wanted = recordsOf(log, from, copies.length);
  if (recordsOf(copied, to, copies.length) !== wanted)
    broken.push(`${where}: the records of commands are not those of the original`);
  const told = checkTold(copied, [{ k: 'state', space: to, when: how, state }]);
  return [...broken, ...told.map((what) => `${where}: ${what}`)];
}

function eventsOf(log: LogContents, name: string): readonly LogEvent[] {
  return bySpace(log.events).get(idOf(log, name)) ?? [];
}

function idOf({ spaces }: LogContents, name: string): number {
  return [...spaces].find(([, spaceName]) => spaceName === name)?.[0] ?? 0;
}

/** Everything of an event but its ids. */
function factsOf(event: LogEvent | undefined): string {
  if (event === undefined) return 'nothing';
  const { eventId: _eventId, spaceId: _spaceId, payload: _payload, ...facts } = event;
  const { invocation, hash, payloadBytes } = facts;
  return JSON.stringify({ ...facts, bytes: Buffer.concat([invocation, hash, payloadBytes]).toString('hex') });
}

/** The records of the commands up to a sequence. A command without events stands between two, and may be on either side of the end. */
function recordsOf(log: LogContents, name: string, sequenceMax: number): string {
  const spaceId = idOf(log, name);
  return JSON.stringify(
    log.commands
      .filter((command) => command.spaceId === spaceId)
      .filter(({ sequence, eventCount }) =>
        eventCount > 0 ? sequence <= sequenceMax : sequence < sequenceMax,
      )
      .map(({ commandId, invocation, eventCount, sequence }) =>
        JSON.stringify([commandId, invocation.toString('hex'), eventCount, sequence]),
      )
      .sort(),
  );
}

/** See the head of this file. */
export const copies: Row = {
  name: 'copies',
  what: 'backup, export, import, clone and restore under load',
  unit: 'rounds',
  ciTrials: 5,
  fullTrials: 100,
  async run({ trials, seed, report }) {
    const outcomes: RowOutcome[] = [];
    for (let trial = 0; trial < trials; trial++) {
      outcomes.push(await copyAll(seed + trial));
      report(`${trial + 1} of ${trials} rounds`);
    }
    return sumOf(outcomes);
  },
  controls: [
    {
      name: 'a backup that is older than what was acknowledged before it',
      found: /restored backup: .*(is not in the log|the log ends at|no record)/,
      run: ({ seed }) => copyAll(seed, 'an old backup'),
    },
    {
      name: 'a clone of another space',
      found: /clone of .*(is not that of the original|events, not)/,
      run: ({ seed }) => copyAll(seed, 'a clone of another space'),
    },
  ],
};
