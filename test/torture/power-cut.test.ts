import { expectSoundOverShim } from './expect-sound.js';
import { powerCut } from './rows/power-cut.js';

expectSoundOverShim(powerCut);
