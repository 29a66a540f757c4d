import { expectSound } from './expect-sound.js';
import { hostile } from './rows/hostile.js';
import { isolation } from './rows/isolation.js';

expectSound(hostile);
expectSound(isolation);
