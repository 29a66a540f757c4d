import { expectSound } from './expect-sound.js';
import { simulation } from './rows/simulation.js';

expectSound(simulation);
