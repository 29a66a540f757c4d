import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogStore } from '../../src/event-store/port.js';
import { type SpaceProjections, SpaceRegistry } from '../../src/space/space-registry.js';
import {
  append,
  commandNamed,
  type LogFixture,
  plainEvent,
  platformAt,
  rejectionCode,
  wide,
} from '../event-store/log-fixture.js';
import { createSqliteFixture } from '../event-store/sqlite-fixture.js';

/** Projections that take some chunks to delete and can be told to fail. */
class FakeProjections implements SpaceProjections {
  readonly rows = new Map<number, number>();
  readonly dropped: number[] = [];
  isBroken = false;
  scrubs = 0;

  scrub(): void {
    this.scrubs++;
  }

  async dropSpace(spaceId: number, rowsMax: number): Promise<{ done: boolean }> {
    if (this.isBroken) throw new Error('the projections are broken');
    this.dropped.push(spaceId);
    const left = Math.max(0, (this.rows.get(spaceId) ?? 0) - rowsMax);
    this.rows.set(spaceId, left);
    return { done: left === 0 };
  }
}

describe('the registry of spaces', () => {
  const platform = platformAt(1_750_000_000_000);
  let fixture: LogFixture;
  let log: LogStore;
  let projections: FakeProjections;
  let registry: SpaceRegistry;

  beforeEach(async () => {
    fixture = await createSqliteFixture(platform);
    log = await fixture.open();
    projections = new FakeProjections();
    registry = openRegistry();
  });

  afterEach(async () => {
    await log.close();
    await fixture.dispose();
  });

  function openRegistry(): SpaceRegistry {
    return new SpaceRegistry({ log, clock: platform.clock, projections, limits: { purgeRowsMax: 2 } });
  }

  async function fill(spaceId: number): Promise<void> {
    const events = ['1', '2', '3', '4', '5'].map((label) => plainEvent(label));
    await log.commit([append(spaceId, 0, events, commandNamed('c'))]);
    projections.rows.set(spaceId, 5);
  }

  it('creates a space once for all callers at the same time', async () => {
    const found = await Promise.all(
      ['pro', 'free', 'team'].map((plan) => registry.getOrCreate('crm_acme', { metadata: { plan } })),
    );
    expect(new Set(found.map((space) => space.spaceId))).toEqual(new Set([1]));
    expect(found.map((space) => space.metadata)).toEqual([{ plan: 'pro' }, { plan: 'pro' }, { plan: 'pro' }]);
    expect(await registry.listAll()).toHaveLength(1);
  });

  it('finds spaces by name and by id, and nothing where there is nothing', async () => {
    const acme = await registry.getOrCreate('crm_acme');
    expect(acme).toEqual({
      spaceId: 1,
      spaceName: 'crm_acme',
      metadata: {},
      settings: {},
      createdAt: 1_750_000_000_000,
    });
    expect(await registry.findByName('crm_acme')).toEqual(acme);
    expect(await registry.findById(1)).toEqual(acme);
    expect(await registry.findByName('crm_widgets')).toBeUndefined();
    expect(await registry.findById(2)).toBeUndefined();
  });

  it('lists more spaces than one page holds', async () => {
    const names = Array.from({ length: 1_001 }, (_, n) => `s${n}`);
    await log.commit(names.map((spaceName) => ({ kind: 'createSpace', spaceName, metadata: {} })));
    expect((await registry.listAll()).map((space) => space.spaceName)).toEqual(names);
  });

  it('replaces metadata', async () => {
    await registry.getOrCreate('a', { metadata: { plan: 'free', seats: 1 } });
    expect((await registry.updateMetadata('a', { plan: 'pro' })).metadata).toEqual({ plan: 'pro' });
    expect((await registry.findByName('a'))?.metadata).toEqual({ plan: 'pro' });
    expect(await rejectionCode(registry.updateMetadata('b', {}))).toBe('not_found');
  });

  it('refuses bad names and metadata at the door', async () => {
    for (const name of ['', ' a', '../a', 'a\u0000', 'x'.repeat(201), 7]) {
      expect(await rejectionCode(registry.getOrCreate(name as string))).toBe('invalid_input');
      expect(await rejectionCode(registry.findByName(name as string))).toBe('invalid_input');
      expect(await rejectionCode(registry.delete(name as string))).toBe('invalid_input');
    }
    for (const metadata of [[], 'text', { when: new Date(0) }, { big: 'x'.repeat(20_000) }]) {
      const created = registry.getOrCreate('a', { metadata: metadata as Record<string, unknown> });
      expect(await rejectionCode(created)).toBe('invalid_input');
    }
    expect(await rejectionCode(registry.findById(1.5))).toBe('invalid_input');
    expect(await registry.listAll()).toEqual([]);
  });

  it('deletes a space with its log rows and its projections, in chunks, and nothing of its neighbour', async () => {
    const kept = await registry.getOrCreate('kept');
    const doomed = await registry.getOrCreate('doomed');
    await fill(kept.spaceId);
    await fill(doomed.spaceId);
    await registry.delete('doomed');
    expect(await registry.listAll()).toEqual([kept]);
    expect(await log.deletedSpaces()).toEqual([]);
    expect(projections.dropped).toEqual([doomed.spaceId, doomed.spaceId, doomed.spaceId]);
    expect(await log.readSpace(kept.spaceId, 0, wide)).toHaveLength(5);
    expect(projections.rows.get(kept.spaceId)).toBe(5);
    expect(await rejectionCode(registry.delete('doomed'))).toBe('not_found');
    expect((await registry.getOrCreate('doomed')).spaceId).toBe(doomed.spaceId + 1);
  });

  it('lets one of two callers delete a space and tells the other that it is gone', async () => {
    await registry.getOrCreate('doomed');
    const codes = await Promise.all(
      [registry.delete('doomed'), registry.delete('doomed')].map(rejectionCode),
    );
    expect(codes.sort()).toEqual(['no error', 'not_found']);
  });

  it('says when projections cannot be deleted, and finishes at the next start', async () => {
    const { spaceId } = await registry.getOrCreate('doomed');
    await fill(spaceId);
    projections.isBroken = true;
    expect(await rejectionCode(registry.delete('doomed'))).toBe('Error: the projections are broken');
    expect(await registry.findByName('doomed')).toBeUndefined();
    await log.close();
    log = await fixture.open();
    registry = openRegistry();
    expect(await log.deletedSpaces()).toEqual([spaceId]);
    projections.isBroken = false;
    expect(await registry.finishDeletions()).toBe(1);
    expect(projections.rows.get(spaceId)).toBe(0);
    expect(await log.deletedSpaces()).toEqual([]);
    expect(await registry.finishDeletions()).toBe(0);
  });
});
