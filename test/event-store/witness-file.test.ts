import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { diskWitnessFiles, readWitness, witnessFileOf } from '../../src/event-store/sqlite/witness-file.js';
import {
  decodeRecord,
  encodeRecord,
  recordBytes,
  slotOffsets,
  witnessBytes,
} from '../../src/event-store/sqlite/witness-record.js';
import { temporaryDirectory } from './sqlite-fixture.js';
import { recordAt } from './witness-records.js';

describe('a record of the witness', () => {
  it('is read as it was written, with numbers as large as an integer can be', () => {
    const slot = Buffer.alloc(recordBytes);
    for (const record of [recordAt(0), recordAt(77), recordAt(Number.MAX_SAFE_INTEGER - 4)]) {
      const whole = { ...record, writtenAt: 1_750_000_000_000 };
      encodeRecord(slot, whole, 5);
      expect(decodeRecord(slot)).toEqual({ record: whole, sequence: 5 });
    }
  });

  it('counts only whole: with any bit of it changed there is none', () => {
    const slot = Buffer.alloc(recordBytes);
    encodeRecord(slot, recordAt(77), 5);
    for (let bit = 0; bit < recordBytes * 8; bit++) {
      const changed = Buffer.from(slot);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(decodeRecord(changed)).toBeUndefined();
    }
  });
});

describe('the file of the witness', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let file: string;

  beforeEach(async () => {
    directory = await temporaryDirectory();
    file = witnessFileOf(join(directory.path, 'ramax.db'));
  });

  afterEach(() => directory.remove());

  const told = (): unknown => {
    const found = readWitness(file);
    return found.kind === 'found' ? found.record.lastEventId : found.kind;
  };

  /** Writes nonsense over a slot, as a write that was torn. */
  function tear(slot: 0 | 1): void {
    const bytes = readFileSync(file);
    bytes.fill(0xa5, slotOffsets[slot] + 64, slotOffsets[slot] + recordBytes);
    writeFileSync(file, bytes);
  }

  it('lies beside its log, has one size, and leaves no draft behind', () => {
    expect(file).toBe(join(directory.path, 'ramax.witness'));
    expect(told()).toBe('missing');
    const witness = diskWitnessFiles.make(file, recordAt(1));
    expect(readFileSync(file)).toHaveLength(witnessBytes);
    expect(existsSync(`${file}.tmp`)).toBe(false);
    expect(told()).toBe(1);
    witness.close();
  });

  it('goes on in the same slot until it is synced, so that a torn write leaves what was synced before', async () => {
    const witness = diskWitnessFiles.make(file, recordAt(1));
    for (let round = 0; round < 4; round++) {
      const slot = round % 2 === 0 ? 1 : 0;
      for (const n of [2, 3, 4]) {
        witness.write(recordAt(10 * round + n));
        expect(told()).toBe(10 * round + n);
      }
      const whole = readFileSync(file);
      tear(slot);
      expect(told()).toBe(round === 0 ? 1 : 10 * (round - 1) + 4);
      writeFileSync(file, whole);
      if (round % 2 === 0) await witness.sync();
      else witness.syncNow();
    }
    witness.close();
  });

  it('is gone on with, after it was opened again, in the slot that is not the newest', () => {
    diskWitnessFiles.make(file, recordAt(1)).close();
    for (let n = 2; n < 6; n++) {
      const witness = diskWitnessFiles.open(file);
      witness.write(recordAt(n));
      witness.close();
      expect(told()).toBe(n);
      const whole = readFileSync(file);
      tear(n % 2 === 0 ? 1 : 0);
      expect(told()).toBe(n - 1);
      writeFileSync(file, whole);
    }
  });

  it('is damaged when neither slot is whole, when it is too short, and when it is something else', () => {
    const witness = diskWitnessFiles.make(file, recordAt(1));
    witness.write(recordAt(2));
    witness.close();
    tear(0);
    expect(told()).toBe(2);
    tear(1);
    expect(told()).toBe('damaged');
    for (const content of ['', 'RMXW', 'a text of somebody else '.repeat(400)]) {
      writeFileSync(file, content);
      expect(told()).toBe('damaged');
    }
  });

  it('that is cut behind its first slot still counts', () => {
    diskWitnessFiles.make(file, recordAt(1)).close();
    writeFileSync(file, readFileSync(file).subarray(0, recordBytes));
    expect(told()).toBe(1);
  });

  it('knows whether its name still leads to it', () => {
    const witness = diskWitnessFiles.make(file, recordAt(1));
    expect(witness.isInPlace()).toBe(true);
    renameSync(file, `${file}.away`);
    expect(witness.isInPlace()).toBe(false);
    const other = diskWitnessFiles.make(file, recordAt(2));
    expect([witness.isInPlace(), other.isInPlace()]).toEqual([false, true]);
    rmSync(file);
    expect(other.isInPlace()).toBe(false);
    witness.close();
    other.close();
  });
});
