import { expectSoundOverShim } from './expect-sound.js';
import { diskErrors } from './rows/disk-errors.js';

expectSoundOverShim(diskErrors);
