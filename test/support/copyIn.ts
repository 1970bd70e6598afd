/** `COPY … FROM STDIN` over a session of the `pg` package. */
import type { Client, Connection, Submittable } from 'pg';

/** What a connection offers besides its declared types. */
interface CopyConnection {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

class CopyInQuery implements Submittable {
  readonly done: Promise<void>;
  #resolve!: () => void;
  #reject!: (error: Error) => void;
  #error: Error | undefined;

  constructor(readonly text: string, readonly data: Buffer) {
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  submit(connection: Connection): void {
    connection.query(this.text);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    connection.sendCopyFromChunk(this.data);
    connection.endCopyFrom();
  }

  handleCommandComplete(): void {}

  handleError(error: Error): void {
    this.#error = error;
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    if (!this.#error) this.#resolve();
  }
}

/** Loads rows in COPY's text format. Rejects with the server's error. */
export async function copyIn(client: Client, text: string, data: string): Promise<void> {
  await client.query(new CopyInQuery(text, Buffer.from(data))).done;
}
