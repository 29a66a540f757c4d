/** One space under verification: where problems go, and the pauses in which it can be told to end. */

import type { ChainDigest } from '../core/clock.js';
import { RamaxError } from '../core/errors.js';
import type { NotCompared, ReportDraft, VerifyProblem } from './report.js';

/** How a verification is watched from outside. */
export interface VerificationControl {
  /** Told of events and entries looked at. */
  advanced(items: number): void;
  readonly isCancelled: boolean;
  /** Awaited now and then: lets others have the thread. */
  rest(): Promise<void>;
}

/** See the head of this file. */
export class SpaceVerification {
  readonly spaceId: number;
  readonly spaceName: string;
  readonly digest: ChainDigest;
  readonly draft: ReportDraft;
  readonly #control: VerificationControl;

  constructor(
    space: { readonly spaceId: number; readonly spaceName: string },
    draft: ReportDraft,
    digest: ChainDigest,
    control: VerificationControl,
  ) {
    this.spaceId = space.spaceId;
    this.spaceName = space.spaceName;
    this.draft = draft;
    this.digest = digest;
    this.#control = control;
  }

  problem(problem: VerifyProblem): void {
    this.draft.problem({ spaceId: this.spaceId, spaceName: this.spaceName, ...problem });
  }

  notCompared(view: string, why: string): void {
    const missing: NotCompared = { spaceId: this.spaceId, spaceName: this.spaceName, view, why };
    this.draft.notCompared(missing);
  }

  /** Between two looks. @throws {RamaxError} `aborted` */
  async step(items: number): Promise<void> {
    this.#control.advanced(items);
    await this.#control.rest();
    if (this.#control.isCancelled) throw new RamaxError('aborted', 'the verification was aborted');
  }
}
