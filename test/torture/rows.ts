/** All rows of the torture suite. A new row is a file in `rows/` and a name here. */

import type { Row } from './row.js';
import { clock } from './rows/clock.js';
import { copies } from './rows/copies.js';
import { damage } from './rows/damage.js';
import { diskErrors } from './rows/disk-errors.js';
import { diskKill } from './rows/disk-kill.js';
import { faults, soak } from './rows/faults.js';
import { hostile } from './rows/hostile.js';
import { isolation } from './rows/isolation.js';
import { kill } from './rows/kill.js';
import { powerCut } from './rows/power-cut.js';
import { simulation } from './rows/simulation.js';
import { together } from './rows/together.js';

export const rows: readonly Row[] = [
  kill,
  faults,
  clock,
  simulation,
  together,
  hostile,
  isolation,
  copies,
  damage,
  diskKill,
  powerCut,
  diskErrors,
  soak,
];
