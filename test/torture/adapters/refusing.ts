/**
 * A weakened engine for controls: what was in flight when a commit failed is taken for not written, and refused. What is
 * weakened is in the shards, which load this module as their storage.
 */

import { Speculation } from '../../../src/content-store/speculation.js';
import { RamaxError } from '../../../src/core/errors.js';
import { sound } from './sound.js';

const { takeAll } = Speculation.prototype;

Speculation.prototype.takeAll = function refusing(this: Speculation): ReturnType<typeof takeAll> {
  const held = takeAll.call(this);
  for (const { turn } of held) turn.fail(new RamaxError('storage', 'the commit has failed'));
  return held;
};

export const adapter: typeof sound = sound;
