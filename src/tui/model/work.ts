/** One question's work in the worker: whether it is still wanted, and how far it has come. */

/** Thrown where a question is no longer wanted: nobody waits for its answer. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** What a long answer tells while it is being made. */
export interface Progress {
  /** What is being done, without numbers. */
  text: string;
  done: number;
  /** 0: not known. */
  total: number;
}

const TELL_EVERY_MS = 100;

/** Shared by a worker and whoever asks it: questions whose number is not above the one stored here are no longer wanted. */
export type StopFlag = Int32Array;

export class Work {
  private id = 0;
  private told = 0;

  constructor(private readonly stop: StopFlag, private readonly tell: (id: number, progress: Progress) => void) {}

  begin(id: number): void {
    this.id = id;
    this.told = performance.now();
    this.check();
  }

  /** Throws Interrupted where the question is no longer wanted. */
  readonly check = (): void => {
    if (Atomics.load(this.stop, 0) >= this.id) throw new Interrupted();
  };

  /** Checks, and tells now and then how far the work has come. */
  progress(text: string, done: number, total: number): void {
    this.check();
    const now = performance.now();
    if (now - this.told < TELL_EVERY_MS) return;
    this.told = now;
    this.tell(this.id, { text, done, total });
  }
}
