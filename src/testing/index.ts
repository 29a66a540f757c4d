/** What an app's own tests use: given/when/then, the runtime in one thread under a clock of the test, and the simulation kit. */

export type { SpaceState, ViewNamesOf } from './folded-space.js';
export {
  type GivenEntity,
  type GivenState,
  given,
  givenEntity,
  type ThenAnswer,
  type WhenOptions,
} from './given.js';
export { type GivenEvents, type GivenEventsOptions, givenEvents } from './given-events.js';
export type { IssuedCommand, ReactOptions, ThenReaction } from './given-reaction.js';
export { House, type HouseOptions, type HouseStartOptions } from './house.js';
export type { CommitFault, HouseDisk } from './house-disk.js';
export { SeededRandom } from './random.js';
export type { Scheduler } from './scheduler.js';
export { simulate } from './simulate.js';
export { SimulationFailure, type SimulationReport } from './simulation-failure.js';
export type {
  BuiltInInvariant,
  CommandGenerators,
  CommandTraffic,
  FaultKind,
  FaultsOptions,
  Invariant,
  Invariants,
  ParamsGenerator,
  SendingContext,
  SentCommand,
  SimulatedClient,
  SimulatedHistory,
  SimulationOptions,
  SimulationProgress,
  SubscriberContext,
  SubscriberTraffic,
} from './simulation-options.js';
export { startTestRamax, TestClock, type TestRamaxOptions, TestStorage } from './test-ramax.js';
