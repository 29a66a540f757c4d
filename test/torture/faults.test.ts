import { expectSound } from './expect-sound.js';
import { clock } from './rows/clock.js';
import { faults } from './rows/faults.js';

expectSound(faults);
expectSound(clock);
