/** `COPY … FROM STDIN` over a session of the `pg` package. */
import type { Client } from 'pg';
import { CopyQuery } from '../../fixtures/postgres/copy.js';

/** What a connection offers besides its declared types. */
interface CopyConnection {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

class CopyInQuery extends CopyQuery {
  constructor(text: string, readonly data: Buffer) {
    super(text);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    connection.sendCopyFromChunk(this.data);
    connection.endCopyFrom();
  }
}

/** Loads rows in COPY's text format. Rejects with the server's error. */
export async function copyIn(client: Client, text: string, data: string): Promise<void> {
  await client.query(new CopyInQuery(text, Buffer.from(data))).done;
}
