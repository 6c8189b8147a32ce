import type { Trace } from '../trace/trace.ts';
import { RecordedSession } from './recorded.ts';
import type { Recorder } from './recorder.ts';
import type { Kept } from './session.ts';

/** The record of a live session that goes on: it is shown like a run that is over, and grows meanwhile. */
export class RewoundSession extends RecordedSession {
  override readonly fixed =
    'This is the record of a live session. It is shown again, not run again, so nothing in it can be changed and no branch can begin in it. Go back to live to act.';
  readonly #recorder: Recorder;
  readonly #off: () => void;

  constructor(recorder: Recorder) {
    super(recorder.trace());
    this.#recorder = recorder;
    this.#off = recorder.listen({
      line: (line) => this.grow(line),
      dropped: () => this.replace(recorder.trace()),
    });
  }

  override get kept(): Kept {
    return this.#recorder.kept;
  }

  override get trace(): Trace {
    return this.#recorder.trace();
  }

  override async stop(): Promise<void> {
    this.#off();
    await super.stop();
  }
}
