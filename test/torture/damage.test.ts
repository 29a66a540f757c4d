import { expectSound } from './expect-sound.js';
import { damage } from './rows/damage.js';

expectSound(damage);
