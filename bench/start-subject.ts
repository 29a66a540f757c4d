/** Which subject a trial of commands measures. */

import { pathToFileURL } from 'node:url';
import type { CommandSubject } from './configuration.js';
import { peerModule } from './peers.js';
import type { Subject, SubjectOptions } from './subject.js';
import { ByHand } from './subjects/by-hand.js';
import { Naive } from './subjects/naive.js';
import { RamaxSubject } from './subjects/ramax.js';

/** What the module of a peer exports. */
interface PeerModule {
  readonly start: (options: SubjectOptions) => Promise<Subject>;
}

/** Starts the subject of a trial in the trial's directory. */
export async function startSubject(subject: CommandSubject, options: SubjectOptions): Promise<Subject> {
  switch (subject) {
    case 'ramax':
      return RamaxSubject.start(options);
    case 'by hand':
      return new ByHand(options);
    case 'naive':
      return new Naive(options);
    default: {
      const { start } = (await import(pathToFileURL(peerModule(subject)).href)) as PeerModule;
      return start(options);
    }
  }
}
