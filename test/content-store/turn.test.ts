import { describe, expect, it } from 'vitest';
import { type Accepted, CommandTurn, type Invocation, ReadTurn } from '../../src/content-store/turn.js';
import { RamaxError } from '../../src/core/errors.js';
import { rejectionOf } from '../core/error-of.js';

const accepted: Accepted = { firstEventId: 1, eventCount: 1, spaceSequence: 1 };
const trouble = new RamaxError('storage', 'no disk');

function command(more: Partial<Invocation> = {}): CommandTurn {
  return new CommandTurn({ invocationId: 'i', command: 'c', params: undefined, ...more });
}

describe('a turn', () => {
  it('goes from queued to decided to settled', async () => {
    const turn = command();
    expect(turn.state).toBe('queued');
    turn.decided();
    expect(turn.state).toBe('decided');
    turn.settle(accepted);
    expect([turn.state, await turn.answer]).toEqual(['settled', accepted]);
  });

  it('goes back to queued when it is rolled back, and may be decided again', () => {
    const turn = command();
    turn.decided();
    turn.rolledBack();
    expect(turn.state).toBe('queued');
    turn.decided();
    expect(turn.state).toBe('decided');
  });

  it('is decided once, and a settled one never again', () => {
    const turn = command();
    turn.decided();
    expect(() => turn.decided()).toThrow('a turn is decided once');
    turn.settle(accepted);
    turn.rolledBack();
    expect(turn.state).toBe('settled');
    expect(() => turn.decided()).toThrow('a turn is decided once');
  });

  it('settles its caller once, whatever comes later', async () => {
    const turn = command();
    turn.settle(accepted);
    turn.fail(trouble);
    turn.cancel();
    turn.settle({ ...accepted, spaceSequence: 2 });
    expect(await turn.answer).toEqual(accepted);
    const failed = command();
    failed.fail(trouble);
    failed.settle(accepted);
    expect(await rejectionOf(failed.answer)).toBe(trouble);
  });
});

describe('a command’s turn', () => {
  const inDoubt: readonly (readonly [what: string, turn: () => CommandTurn])[] = [
    [
      'that was decided',
      () => {
        const turn = command();
        turn.decided();
        return turn;
      },
    ],
    ['that a dead shard may have decided', () => command({ resentAfter: 0 })],
  ];

  it.each(inDoubt)('%s is never answered as refused or aborted', async (_what, make) => {
    const [refused, cancelled] = [make(), make()];
    refused.refuse(trouble);
    const error = await rejectionOf(refused.answer);
    expect([error.code, error.cause]).toEqual(['outcome_unknown', trouble]);
    cancelled.cancel();
    expect((await rejectionOf(cancelled.answer)).code).toBe('outcome_unknown');
  });

  const untouched: readonly (readonly [what: string, turn: () => CommandTurn])[] = [
    ['that waits', () => command()],
    [
      'that was rolled back',
      () => {
        const turn = command();
        turn.decided();
        turn.rolledBack();
        return turn;
      },
    ],
    [
      'of which the log knows nothing',
      () => {
        const turn = command({ resentAfter: 3 });
        turn.askedTheLog();
        return turn;
      },
    ],
  ];

  it.each(untouched)('%s is refused with the reason, or aborted', async (_what, make) => {
    const [refused, cancelled] = [make(), make()];
    refused.refuse(trouble);
    expect(await rejectionOf(refused.answer)).toBe(trouble);
    cancelled.cancel();
    expect((await rejectionOf(cancelled.answer)).code).toBe('aborted');
  });

  it('freezes the parameters that came from another thread', () => {
    const params = { list: [{ a: 1 }] };
    command({ params });
    expect([params, params.list, params.list[0]].every((part) => Object.isFrozen(part))).toBe(true);
  });
});

describe('a read’s turn', () => {
  it('writes nothing, so that it can always be refused or aborted', async () => {
    const [refused, cancelled] = [new ReadTurn(() => 1), new ReadTurn(() => 1)];
    refused.decided();
    refused.refuse(trouble);
    expect(await rejectionOf(refused.answer)).toBe(trouble);
    cancelled.decided();
    cancelled.cancel();
    expect((await rejectionOf(cancelled.answer)).code).toBe('aborted');
  });
});
