/**
 * Random histories against a model that is simple enough to be right by reading it: arrays that are filtered.
 * The model shares no code with the adapters.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogStore, LogWrite, StoredEvent } from '../../src/event-store/port.js';
import {
  append,
  codeOf,
  commandNamed,
  type LogFixtureFactory,
  plainEvent,
  platformAt,
  wide,
} from './log-fixture.js';

/** One step of a history. Spaces are chosen by id; `lag` is how far an append is off the head. */
type Step =
  | { readonly kind: 'commit'; readonly requests: readonly RequestPlan[] }
  | { readonly kind: 'purge'; readonly rowsMax: number }
  | { readonly kind: 'reopen' };

type RequestPlan =
  | { readonly kind: 'create'; readonly name: string }
  | { readonly kind: 'delete'; readonly spaceId: number }
  | {
      readonly kind: 'append';
      readonly spaceId: number;
      readonly lag: number;
      readonly entities: readonly string[];
      readonly commandId: string | null;
    };

const spaceIds = fc.integer({ min: 1, max: 4 });
const requests: fc.Arbitrary<RequestPlan> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('create' as const), name: fc.constantFrom('a', 'b', 'c') }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), spaceId: spaceIds }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      spaceId: spaceIds,
      lag: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: -1, max: 1 })),
      entities: fc.array(fc.constantFrom('x', 'y'), { minLength: 1, maxLength: 3 }),
      commandId: fc.option(fc.constantFrom('c1', 'c2', 'c3', 'c4')),
    }),
  },
);
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      requests: fc.array(requests, { maxLength: 5 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('purge' as const), rowsMax: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'reopen' as const }) },
);

interface ModelEvent {
  readonly eventId: number;
  readonly spaceId: number;
  readonly spaceSequence: number;
  readonly entityId: string;
}

/** What the log must be: everything ever written, and which spaces live. */
class Model {
  readonly events: ModelEvent[] = [];
  readonly spaces: { readonly name: string; live: boolean }[] = [];
  readonly commands: { readonly spaceId: number; readonly commandId: string }[] = [];

  isLive(spaceId: number): boolean {
    return this.spaces[spaceId - 1]?.live ?? false;
  }

  visible(): readonly ModelEvent[] {
    return this.events.filter((event) => this.isLive(event.spaceId));
  }

  sequence(spaceId: number): number {
    return this.events.filter((event) => event.spaceId === spaceId).length;
  }

  /** The request in the log's words, its expected outcome, and its effect on the model. */
  take(plan: RequestPlan): { readonly request: LogWrite; readonly expected: string } {
    if (plan.kind === 'create') return this.#create(plan.name);
    if (plan.kind === 'delete') return this.#delete(plan.spaceId);
    return this.#append(plan);
  }

  #create(name: string) {
    const request: LogWrite = { kind: 'createSpace', spaceName: name, metadata: {} };
    const existing = this.spaces.findIndex((space) => space.live && space.name === name) + 1;
    if (existing > 0) return { request, expected: `space ${existing} found` };
    this.spaces.push({ name, live: true });
    return { request, expected: `space ${this.spaces.length} created` };
  }

  #delete(spaceId: number) {
    const request: LogWrite = { kind: 'markSpaceDeleted', spaceId };
    if (!this.isLive(spaceId)) return { request, expected: 'not_found' };
    this.spaces[spaceId - 1]!.live = false;
    return { request, expected: 'marked' };
  }

  #append({ spaceId, lag, entities, commandId }: RequestPlan & { kind: 'append' }) {
    const previous = this.sequence(spaceId);
    const command = commandId === null ? null : commandNamed(commandId);
    const events = entities.map((entityId) => plainEvent('e', entityId));
    const request = append(spaceId, previous + lag, events, command);
    if (!this.isLive(spaceId)) return { request, expected: 'not_found' };
    const isKnown = this.commands.some((known) => known.spaceId === spaceId && known.commandId === commandId);
    if (lag !== 0 || isKnown) return { request, expected: 'conflict' };
    const firstEventId = this.events.length + 1;
    for (const [index, entityId] of entities.entries()) {
      this.events.push({
        eventId: firstEventId + index,
        spaceId,
        spaceSequence: previous + index + 1,
        entityId,
      });
    }
    if (commandId !== null) this.commands.push({ spaceId, commandId });
    return { request, expected: `appended ${firstEventId} ${previous + entities.length}` };
  }
}

/** Runs the model suite on one adapter. */
export function describeLogStoreModel(name: string, createFixture: LogFixtureFactory): void {
  describe(`${name} does what the model does`, () => {
    it('over random histories of batches, deletions and openings', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(steps, { minLength: 1, maxLength: 12 }), (history) =>
          run(history, createFixture),
        ),
        { numRuns: 60 },
      );
    });
  });
}

async function run(history: readonly Step[], createFixture: LogFixtureFactory): Promise<void> {
  const fixture = await createFixture(platformAt(1));
  const model = new Model();
  let log = await fixture.open();
  try {
    for (const step of history) {
      if (step.kind === 'reopen') {
        await log.close();
        log = await fixture.open();
      } else if (step.kind === 'purge') {
        for (const spaceId of await log.deletedSpaces()) await log.purgeSpace(spaceId, step.rowsMax);
      } else {
        const taken = step.requests.map((plan) => model.take(plan));
        const outcomes = await log.commit(taken.map(({ request }) => request));
        expect(outcomes.map(outcomeText)).toEqual(taken.map(({ expected }) => expected));
      }
      await compare(log, model);
    }
  } finally {
    await log.close();
    await fixture.dispose();
  }
}

function outcomeText(outcome: Awaited<ReturnType<LogStore['commit']>>[number]): string {
  if (outcome.kind === 'appended') return `appended ${outcome.firstEventId} ${outcome.spaceSequence}`;
  if (outcome.kind === 'space')
    return `space ${outcome.space.spaceId} ${outcome.created ? 'created' : 'found'}`;
  return codeOf(outcome);
}

async function compare(log: LogStore, model: Model): Promise<void> {
  expect(placesOf(await log.readAll(0, wide))).toEqual(model.visible());
  expect(await log.latestEventId()).toBe(model.events.length);
  for (const spaceId of [1, 2, 3, 4]) {
    const ofSpace = model.visible().filter((event) => event.spaceId === spaceId);
    expect(placesOf(await log.readSpace(spaceId, 1, wide))).toEqual(ofSpace.slice(1));
    const ofEntity = ofSpace.filter((event) => event.entityId === 'x' && event.spaceSequence > 1);
    expect(placesOf(await log.readEntity(spaceId, 'x', 1, wide))).toEqual(ofEntity);
    const head = await log.spaceHead(spaceId);
    expect(head?.lastSpaceSequence).toBe(model.isLive(spaceId) ? ofSpace.length : undefined);
    expect(head?.lastEventId).toBe(model.isLive(spaceId) ? (ofSpace.at(-1)?.eventId ?? 0) : undefined);
    const known = model.commands.filter((command) => command.spaceId === spaceId && model.isLive(spaceId));
    const found = await log.findCommands(spaceId, ['c1', 'c2', 'c3', 'c4']);
    expect(found.map((record) => record.commandId)).toEqual(known.map(({ commandId }) => commandId).sort());
  }
}

function placesOf(events: readonly StoredEvent[]): readonly ModelEvent[] {
  return events.map(({ eventId, spaceId, spaceSequence, entityId }) => ({
    eventId,
    spaceId,
    spaceSequence,
    entityId,
  }));
}
