/** The checker is checked: a sound directory passes, and each invariant, broken by hand, is noticed. */

import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkDirectory } from './checker/check-directory.js';
import { Child } from './child.js';
import { type LedgerLine, readLedger } from './ledger.js';
import { newDirectory, sourceFile } from './places.js';

let sound: string;
let copies = 0;

beforeAll(async () => {
  sound = newDirectory('checker');
  const plan = {
    directory: join(sound, 'data'),
    ledger: join(sound, 'ledger.jsonl'),
    seed: 5,
    spaces: 3,
    shards: 2,
  };
  for (const mode of ['load', 'settle']) {
    const { code, complaint } = await new Child('load', { ...plan, mode, inFlight: 16, callsMax: 600 }).ended;
    expect(complaint).toBe('');
    expect(code).toBe(0);
  }
});

afterAll(() => rmSync(sound, { recursive: true, force: true }));

/** What the checker says of a copy that was changed. */
function brokenBy(change: {
  readonly sql?: string;
  readonly partition?: string;
  lines?(lines: LedgerLine[]): LedgerLine[];
}): string {
  const copy = join(sound, `copy-${copies++}`);
  cpSync(join(sound, 'data'), join(copy, 'data'), { recursive: true });
  const ledger = join(copy, 'ledger.jsonl');
  const lines = readLedger(join(sound, 'ledger.jsonl'));
  writeFileSync(ledger, (change.lines?.(lines) ?? lines).map((line) => JSON.stringify(line)).join('\n'));
  for (const [file, sql] of [
    ['ramax.db', change.sql],
    ['pstate-01.db', change.partition],
  ] as const) {
    if (sql === undefined) continue;
    const database = new Database(join(copy, 'data', file));
    database.exec(sql);
    database.close();
  }
  return checkDirectory(join(copy, 'data'), ledger).broken.join('\n');
}

it('a sound directory keeps all promises', () => {
  const { broken, acknowledged, events } = checkDirectory(join(sound, 'data'), join(sound, 'ledger.jsonl'));
  expect(broken).toEqual([]);
  expect(acknowledged).toBeGreaterThan(100);
  expect(events).toBeGreaterThan(100);
});

const last = '(SELECT max(event_id) FROM events)';
const lastOfOne = '(SELECT max(event_id) FROM events WHERE space_id = 1)';

describe('the log breaks a promise when', () => {
  it.each<[what: string, sql: string, said: RegExp]>([
    [
      'its last event is gone',
      `DELETE FROM events WHERE event_id = ${last}`,
      /is not in the log|of its \d events/,
    ],
    [
      'an event in the middle is gone',
      'DELETE FROM events WHERE space_id = 1 AND space_sequence = 5',
      /stands at place 5/,
    ],
    [
      'a payload is another',
      `UPDATE events SET payload = x'81a16101' WHERE event_id = ${last}`,
      /not that of the chain/,
    ],
    [
      'a timestamp is another',
      `UPDATE events SET timestamp = timestamp + 1 WHERE event_id = ${last}`,
      /not that of the chain/,
    ],
    [
      'a payload does not decode',
      `UPDATE events SET payload = x'd9' WHERE event_id = ${last}`,
      /does not decode/,
    ],
    [
      'an event is there twice',
      `INSERT INTO events SELECT event_id + 1000000, space_id, space_sequence + 1, entity_id, event_type, event_version,
        timestamp, created_at, causation_id, correlation_id, tags, metadata, invocation_id, hash, payload
        FROM events WHERE event_id = ${lastOfOne}`,
      /in the log 2 times|torn apart|events are in the log/,
    ],
    [
      'two events of a space have changed places',
      'UPDATE events SET event_id = -event_id WHERE space_id = 1 AND space_sequence = 9',
      /the order of commits|names event/,
    ],
    [
      'an event is in another space',
      `UPDATE events SET space_id = 900 WHERE event_id = ${last}`,
      /events are in spaces that there are not/,
    ],
    [
      'the record of a command is gone',
      'DELETE FROM commands WHERE command_number = 3',
      /no record of its commandId/,
    ],
    [
      'the record of a command says something else',
      'UPDATE commands SET first_event_id = first_event_id + 1 WHERE command_number = 3',
      /not its own|something else than the answer/,
    ],
  ])('%s', (_what, sql, said) => {
    expect(brokenBy({ sql })).toMatch(said);
  });
});

describe('projections break a promise when', () => {
  it.each<[what: string, sql: string, said: RegExp]>([
    ['an entry is gone', "DELETE FROM pstate_entities WHERE key = 'total'", /not the fold of the log/],
    ['an entry is another', "UPDATE pstate_entities SET value = x'05' WHERE key = 'total'", /its checksum/],
    [
      'they say that they are further than they are',
      "UPDATE projection_checkpoints SET last_space_sequence = last_space_sequence - 1 WHERE view = 'main'",
      /not the fold of the log|checkpoint names/,
    ],
    [
      'they are ahead of the log',
      "UPDATE projection_checkpoints SET last_space_sequence = 1000000 WHERE view = 'main'",
      /ahead of the log/,
    ],
  ])('%s', (_what, partition, said) => {
    expect(brokenBy({ partition })).toMatch(said);
  });
});

describe('answers break a promise when', () => {
  const answered = (lines: readonly LedgerLine[]): LedgerLine & { k: 'ok' } =>
    lines.find(
      (line): line is LedgerLine & { k: 'ok' } =>
        line.k === 'ok' && 'eventIds' in line && line.eventIds?.length === 1,
    )!;

  it.each<[what: string, lines: (lines: LedgerLine[]) => LedgerLine[], said: RegExp]>([
    [
      'a command that was refused is in the log',
      (lines) =>
        lines.map((line) => (line === answered(lines) ? { k: 'error', n: line.n, code: 'timeout' } : line)),
      /it was refused with timeout, and is in the log/,
    ],
    [
      'it names another sequence',
      (lines) => lines.map((line) => (line === answered(lines) ? { ...answered(lines), seq: 40 } : line)),
      /was acknowledged at 40/,
    ],
    [
      'nobody has sent what is in the log',
      (lines) => lines.filter((line) => !(line.k === 'sent' && line.n === answered(lines).n)),
      /which nobody has sent/,
    ],
    [
      'copies were answered differently',
      (lines) => {
        const ok = answered(lines);
        const sent = lines.find((line) => line.k === 'sent' && line.n === ok.n)!;
        return [...lines, { ...sent, n: 1e6 } as LedgerLine, { ...ok, n: 1e6, eventIds: [1_000] }];
      },
      /copies of it had different answers/,
    ],
    [
      'what was sent later is earlier',
      (lines) => {
        const first = answered(lines);
        const sent = lines.findIndex((line) => line.k === 'sent' && line.n === first.n);
        // The first command, as if it had been sent after everything was answered.
        const moved = lines.filter((line, at) => at !== sent && line !== first);
        return [...moved, lines[sent]!, first];
      },
      /it was sent when the space was known to be at/,
    ],
    [
      'a read has shown what is not there',
      (lines) => [...lines, { k: 'seen', space: 'space-0', seq: 1e6, floor: 0 }],
      /a read has shown sequence 1000000/,
    ],
    [
      'a read has not shown what was acknowledged',
      (lines) => [...lines, { k: 'seen', space: 'space-0', seq: 1, floor: 2 }],
      /a read has shown 1 after an answer at 2/,
    ],
    [
      'a state is not the fold',
      (lines) => [
        ...lines,
        { k: 'state', space: 'space-0', when: 'now', state: { main: [['last', 3]], amounts: [] } },
      ],
      /view main at 3 is not the fold/,
    ],
    [
      'it was no RamaxError',
      (lines) => [...lines, { k: 'error', n: -1, code: 'untyped x' }],
      /answered untyped x/,
    ],
  ])('%s', (_what, lines, said) => {
    expect(brokenBy({ lines })).toMatch(said);
  });
});

it('the checker imports nothing of Ramax', async () => {
  const files = (await readdir(sourceFile('checker'))).map((name) => join(sourceFile('checker'), name));
  for (const file of [...files, sourceFile('ledger.ts')]) {
    const imported = [...(await readFile(file, 'utf8')).matchAll(/from '([^']+)'/g)].map(([, from]) => from);
    for (const from of imported) {
      expect(from, file).toMatch(/^(\.\/[a-z-]+\.js|\.\.\/ledger\.js|node:[a-z/]+|better-sqlite3|msgpackr)$/);
    }
  }
  expect(files.length).toBeGreaterThan(4);
});

it('the ledger of a killed program ends with a whole line or none', () => {
  const path = join(sound, 'cut.jsonl');
  writeFileSync(path, `${readFileSync(join(sound, 'ledger.jsonl'), 'utf8')}{"k":"sent","n":`);
  expect(readLedger(path)).toEqual(readLedger(join(sound, 'ledger.jsonl')));
});
