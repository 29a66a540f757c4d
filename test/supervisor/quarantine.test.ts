import { beforeEach, describe, expect, it } from 'vitest';
import { RamaxError } from '../../src/core/errors.js';
import { nodePlatform } from '../../src/platform/node-platform.js';
import { type Accused, killsMax, Quarantine } from '../../src/supervisor/quarantine.js';

const cause = new RamaxError('unavailable', 'worker exited with code: 7');

let quarantine: Quarantine;

beforeEach(() => {
  quarantine = new Quarantine(nodePlatform.textDigest);
});

function accused(key: string): Accused {
  return { key, kind: 'command', name: 'add', spaceId: 1, spaceName: 'acme', commandId: key };
}

describe('the quarantine', () => {
  it('refuses what has ended its shard three times, and says what of', () => {
    for (let kill = 1; kill < killsMax; kill++) {
      quarantine.accuse(accused('x'), cause);
      expect([quarantine.verdict('x'), quarantine.isSuspected('x')]).toEqual([undefined, true]);
    }
    quarantine.accuse(accused('x'), cause);
    expect(quarantine.isSuspected('x')).toBe(false);
    const verdict = quarantine.verdict('x');
    expect(verdict?.message).toBe(
      "the command 'add' is refused: it has ended its shard 3 times (worker exited with code: 7)",
    );
    expect(verdict).toMatchObject({
      code: 'poisoned',
      retryable: false,
      details: {
        kind: 'command',
        command: 'add',
        spaceId: 1,
        spaceName: 'acme',
        commandId: 'x',
        kills: 3,
        cause: { code: 'unavailable', message: 'worker exited with code: 7' },
      },
    });
    expect(quarantine.refused).toMatchObject([{ name: 'add', commandId: 'x', kills: 3 }]);
    expect(quarantine.verdict('y')).toBeUndefined();
  });

  it('begins anew with a suspect that was acquitted', () => {
    for (let kill = 1; kill < killsMax; kill++) quarantine.accuse(accused('x'), cause);
    quarantine.acquit('x');
    expect(quarantine.isEmpty).toBe(true);
    quarantine.accuse(accused('x'), cause);
    expect(quarantine.verdict('x')).toBeUndefined();
  });

  it('is bounded: the oldest is forgotten', () => {
    for (let n = 0; n < 1_001; n++) {
      for (let kill = 0; kill < killsMax; kill++) quarantine.accuse(accused(`${n}`), cause);
    }
    for (let n = 0; n < 1_001; n++) quarantine.accuse(accused(`suspect ${n}`), cause);
    expect(quarantine.refused).toHaveLength(1_000);
    expect([quarantine.verdict('0'), quarantine.verdict('1')?.code]).toEqual([undefined, 'poisoned']);
    expect([quarantine.isSuspected('suspect 0'), quarantine.isSuspected('suspect 1')]).toEqual([false, true]);
  });

  it('knows long names by their digests', () => {
    const long = (last: string) => `query ${'x'.repeat(100_000)} ${last}`;
    for (let kill = 0; kill < killsMax; kill++) quarantine.accuse(accused(long('a')), cause);
    expect([quarantine.verdict(long('a'))?.code, quarantine.verdict(long('b'))]).toEqual([
      'poisoned',
      undefined,
    ]);
  });
});
