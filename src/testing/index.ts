/** What an app's own tests use: given/when/then for commands and projections, and the whole runtime in one thread. */

export { type GivenState, given, type ThenAnswer } from './given.js';
export { House, type HouseOptions, type HouseStartOptions } from './house.js';
export type { CommitFault, HouseDisk } from './house-disk.js';
export { SeededRandom } from './random.js';
export type { Scheduler } from './scheduler.js';
