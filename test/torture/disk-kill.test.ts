import { expectSoundOverShim } from './expect-sound.js';
import { diskKill } from './rows/disk-kill.js';

expectSoundOverShim(diskKill);
