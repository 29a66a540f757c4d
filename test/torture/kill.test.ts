import { expectSound } from './expect-sound.js';
import { kill } from './rows/kill.js';

expectSound(kill);
