import { expectSound } from './expect-sound.js';
import { copies } from './rows/copies.js';

expectSound(copies);
