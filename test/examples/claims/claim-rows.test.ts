import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HeaderError, isBadLine, readClaimRows } from '../../../examples/claims/claim-rows.js';
import { TextFile } from '../../../examples/demo/text-file.js';

const header = 'timestamp,space,entity,step,activity,resource,role,amount';
const good = '2020-01-02T09:00:00.000Z,unit a,claim1,0,Request Payment,P,UNDEFINED,1.5';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ramax-claim-rows-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

async function readFile(path: string) {
  const rows = [];
  for await (const row of readClaimRows(await TextFile.open(path))) rows.push(row);
  return rows;
}

async function read(content: string | Buffer, name = 'log.csv') {
  const path = join(directory, name);
  await writeFile(path, content);
  return readFile(path);
}

describe('reading a workflow log', () => {
  it('gives every good row its types and every bad line its number', async () => {
    const rows = await readFile(fileURLToPath(new URL('../fixtures/claims.csv', import.meta.url)));
    const told = rows.map((row) =>
      isBadLine(row)
        ? `${row.line}: ${row.problem}`
        : `${row.line}: ${row.spaceName} ${row.step.claimId} ${row.step.step} ${row.activity.action} ${row.step.amountCents}`,
    );
    expect(told).toEqual([
      '2: unit a claim1 0 submit 1001',
      '3: unit b, annex claim2 0 save 10000',
      '4: unit a claim1 1 approve 1001',
      '5: activity must be a known activity, but is "Request For Payment DANCED by EMPLOYEE"',
      '7: step must be an integer from 0, but is "x"',
      '8: the quotes do not match',
      '9: unit a claim1 4 finalApprove 1001',
      '10: amount must be a decimal number from 0, but is "ten"',
      '11: expected 8 fields, got 4',
      '12: timestamp must be an ISO 8601 time, but is "yesterday"',
      '13: space must be a name, but is ""',
      '14: entity must be an id, but is ""',
      '15: unit a claim1 5 requestPayment 1001',
    ]);
  });

  it('gives the whole row', async () => {
    const [row] = await read(`${header}\n${good}\n`);
    expect(row).toEqual({
      line: 2,
      spaceName: 'unit a',
      activity: { action: 'requestPayment', role: null },
      step: { claimId: 'claim1', step: 0, role: null, amountCents: 150, at: '2020-01-02T09:00:00.000Z' },
    });
  });

  it('reads a gzipped file, known by its content and not by its name', async () => {
    const lines = Array.from({ length: 5_000 }, (_, step) => good.replace(',0,', `,${step},`));
    const rows = await read(gzipSync([header, ...lines].join('\n')), 'log.data');
    expect(rows).toHaveLength(5_000);
    expect(rows.at(-1)).toMatchObject({ line: 5_001, step: { step: 4_999 } });
  });

  it('throws when a gzipped file is cut short', async () => {
    const whole = gzipSync(`${header}\n${good}\n`);
    await expect(read(whole.subarray(0, -10), 'cut.csv.gz')).rejects.toThrow('unexpected end of file');
  });

  it('takes line ends of both kinds, a byte order mark, and a last line without an end', async () => {
    const rows = await read(`\ufeff${header}\r\n${good}\r\n\r\n${good}`);
    expect(rows.map((row) => row.line)).toEqual([2, 4]);
    expect(rows.some(isBadLine)).toBe(false);
  });

  it('finds columns by their names, in any order and among others', async () => {
    const [row] = await read(
      'x,amount,activity,step,entity,space,timestamp\n,2,Payment Handled,7,c,s,2020-01-01\n',
    );
    expect(row).toMatchObject({ spaceName: 's', step: { claimId: 'c', step: 7, amountCents: 200 } });
  });

  it('reports a line that is too long and goes on', async () => {
    const rows = await read(`${header}\n${'x'.repeat(300_000)}\n${good}\n`);
    expect(rows).toEqual([
      { line: 2, problem: 'longer than 65536 characters' },
      expect.objectContaining({ line: 3 }),
    ]);
  });

  it.each(['-1', '1,5', '', '0x10', 'Infinity', '1e300'])('refuses the amount %j', async (amount) => {
    const [row] = await read(`${header}\n${good.replace('1.5', amount)}\n`);
    expect(row && isBadLine(row)).toBe(true);
  });

  it('throws when the file is empty or its header lacks columns', async () => {
    await expect(read('')).rejects.toThrow(HeaderError);
    await expect(read('timestamp,space\n1,2\n')).rejects.toThrow('entity, step, activity, amount');
  });
});
