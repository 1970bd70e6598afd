/** Answers written to files: rows in every format, scripts that repair. */
import { diffWriter } from '../../output/diffText.js';
import { rowWriter, type Format } from '../../output/rowWriter.js';
import { writeScript } from '../../output/scriptText.js';
import { asof } from '../../query/asof.js';
import { diffTable } from '../../query/diff.js';
import { heldPairs } from '../../query/tablePairs.js';
import { restoreScript } from '../../query/restore.js';
import { diffScript, undoScript } from '../../query/revert.js';
import { openSource } from '../../query/scanSource.js';
import { Findings, type DatabaseAt } from '../../query/session.js';
import { showTransaction } from '../../query/show.js';
import { ExitCode, WalscopeError } from '../../util/errors.js';
import type { Lsn } from '../../util/lsn.js';
import { qualifiedName } from '../../util/quote.js';
import type { Exported } from '../protocol.js';
import type { Model } from './model.js';
import { formatCount } from '../../output/units.js';

/** Where exports go: the caller decides what a file is. `create` refuses a path that exists. */
export interface Files {
  create(path: string, charset: 'utf8' | 'latin1'): {
    path: string;
    write(text: string): void;
    close(): void;
    /** Takes back what was not finished. */
    discard(): void;
  };
}

export type ExportFormat = Extract<Format, 'csv' | 'copy' | 'insert' | 'json'>;

export interface RowsExport {
  lsn: Lsn;
  database: string;
  oid: number;
  where: string | undefined;
}

export interface ChangesExport {
  database: string;
  from: Lsn;
  to: Lsn;
  /** This table alone; undefined: all that changed. */
  oid: number | undefined;
}

export class Exports {
  constructor(private readonly model: Model, private readonly files: Files) {}

  /** A file of what `fill` writes, which gives how much that is in words; none where it fails or is interrupted. */
  private async into(path: string, database: DatabaseAt | undefined, findings: Findings, fill: (write: (text: string) => void) => Promise<string> | string): Promise<Exported> {
    const file = this.files.create(path, database?.encoding.outputCharset ?? 'utf8');
    try {
      const text = await fill((piece) => {
        this.model.work.check();
        file.write(piece);
      });
      file.close();
      return { path: file.path, text: findings.list.length === 0 ? text : `${text}; incomplete: ${findings.list[0]!.message}` };
    } catch (error) {
      file.discard();
      throw error;
    }
  }

  /** The rows of a table as of a moment. */
  async rows(path: string, format: ExportFormat, { lsn, database: name, oid, where }: RowsExport): Promise<Exported> {
    const database = this.model.databaseAt(lsn, name);
    const findings = new Findings();
    const source = openSource(database, `oid:${oid}`);
    const answer = await asof(database, source, { where }, findings);
    return this.into(path, database, findings, (write) => {
      const writer = rowWriter(format, answer.columns, write, { target: qualifiedName(source.table.schema, source.table.relation.name), forTerminal: false });
      let rows = 0;
      answer.rows((values) => {
        writer.row(values);
        this.model.work.progress('exporting row', ++rows, 0);
      });
      writer.end();
      return `${formatCount(rows)} rows`;
    });
  }

  /** The script that brings a table back as it was. */
  async restore(path: string, { lsn, database: name, oid }: RowsExport): Promise<Exported> {
    const { session } = this.model;
    const then = this.model.databaseAt(lsn, name);
    const now = session.databasesAt(session.moment('latest')).find((each) => each.database.oid === then.database.oid);
    const findings = new Findings();
    return this.into(path, then, findings, (write) => {
      const rows = writeScript(restoreScript(then, now, { tables: [`oid:${oid}`] }, findings), write);
      return `${formatCount(rows)} rows, and what is needed around them`;
    });
  }

  /** The script that reverts a transaction. */
  async undo(path: string, xid: number): Promise<Exported> {
    const findings = new Findings();
    const shown = showTransaction(this.model.session, xid, findings);
    return this.into(path, shown.before, findings, (write) => {
      const changes = writeScript(undoScript(shown, findings), write);
      return `${formatCount(changes)} row changes that revert transaction ${xid}`;
    });
  }

  /** The script that turns tables of the later moment into what they were at the earlier one. */
  async repair(path: string, { database, from, to, oid }: ChangesExport): Promise<Exported> {
    const sides = { before: this.model.databaseAt(from, database), after: this.model.databaseAt(to, database) };
    const findings = new Findings();
    return this.into(path, sides.before, findings, (write) => {
      const pairs = heldPairs(sides, findings, oid);
      const statements = writeScript(diffScript(sides, pairs, findings), write);
      return `${formatCount(statements)} row changes that turn the later moment back into the earlier one`;
    });
  }

  /** The changes themselves, a row a side. */
  async changes(path: string, format: 'csv' | 'json', { database, from, to, oid }: ChangesExport): Promise<Exported> {
    const sides = { before: this.model.databaseAt(from, database), after: this.model.databaseAt(to, database) };
    const findings = new Findings();
    const pairs = heldPairs(sides, findings, oid);
    if (format === 'csv' && pairs.length !== 1) throw new WalscopeError('usage.export', 'csv holds the changes of one table', { exitCode: ExitCode.usage, hint: 'open one, or choose json' });
    return this.into(path, sides.before, findings, (write) => {
      let rows = 0;
      const writer = diffWriter(format, write, { forTerminal: false, colour: false });
      for (const pair of pairs) {
        const diff = diffTable(sides, pair, findings);
        writer.begin({ table: qualifiedName(diff.schema, diff.name), columns: diff.columns, key: diff.key, note: '' });
        diff.rows(({ change, before, after }) => {
          rows++;
          writer.change(change, before, after);
        });
        writer.end();
      }
      writer.finish();
      return `${formatCount(rows)} changes`;
    });
  }
}
