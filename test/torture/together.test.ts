import { expectSound } from './expect-sound.js';
import { together } from './rows/together.js';

expectSound(together);
