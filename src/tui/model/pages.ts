/** Pages for the screen: a page's state after each record of its chain, and what that record changed. */
import { ForkNumber } from '../../pg/relFileLocator.js';
import type { FieldValue, PageDescription } from '../../pg/describePage.js';
import { describePage } from '../../pg/describePage.js';
import { BLCKSZ, Page } from '../../pg/page.js';
import { describeSchema } from '../../query/schemaDescription.js';
import { tableDdl } from '../../query/schemaDdl.js';
import { tableSchema } from '../../query/schema.js';
import { caseStatus } from '../../query/status.js';
import { pageAsOf, pageChain, pageKind, partOfPage, stepChain, unknownPage } from '../../query/pageView.js';
import { writeSchema } from '../../output/schemaText.js';
import { formatBytes, formatCount } from '../../output/units.js';
import { formatLsn, type Lsn } from '../../util/lsn.js';
import { qualifiedName } from '../../util/quote.js';
import type { PageInfo, PageState } from '../protocol.js';
import type { Model } from './model.js';

/** Fields of items that say little: shown by walscope page. */
const OMITTED = new Set(['data', 't_field3', 't_hoff']);
/** States of one page that are kept: 8 kB each. */
const KEPT_STATES = 1024;

export class Pages {
  private handles = 0;
  private states: PageState[] = [];

  constructor(private readonly model: Model) {}

  /** Opens a page of a relation's main fork as of a moment; the last KEPT_STATES records of its chain can be stepped through. */
  open(lsn: Lsn, databaseName: string, oid: number, block: number): PageInfo {
    const database = this.model.databaseAt(lsn, databaseName);
    const relation = database.relation(`oid:${oid}`);
    const answer = pageAsOf(database, relation, block, ForkNumber.main);
    if (answer.unknown) throw unknownPage(relation, block, answer.unknown);
    const kind = pageKind(database, relation, ForkNumber.main);
    const describe = (bytes: Uint8Array): PageDescription => describePage(new Page(bytes), kind, block, database.snapshot.major);
    const { records, usesBase } = pageChain(database, relation, block, ForkNumber.main);
    const skipped = Math.max(0, records.length - KEPT_STATES);
    let seen = 0;
    let previous: Uint8Array = new Uint8Array(BLCKSZ);
    const states: PageState[] = [];
    const base = usesBase ? database.session.store.pages.basePage({ ...relation.locator, fork: ForkNumber.main }, block, lsn) : null;
    if (skipped === 0) states.push(this.state(base ?? previous, describe, []));
    stepChain(database, relation, block, ForkNumber.main, (_record, page, changes) => {
      this.model.work.progress('replaying record', seen, records.length);
      previous = page.bytes.slice();
      if (seen++ < skipped - 1) return;
      const description = describe(previous);
      states.push(this.state(previous, describe, changes.map((change) => ({ offset: change.offset, length: change.after.length, where: partOfPage(description, change.offset) }))));
    });
    this.states = states;
    const start = usesBase ? 'the base backup' : records[0]?.hasImage ? 'a full-page image' : 'a fresh page';
    return {
      handle: ++this.handles, name: qualifiedName(database.catalog.schemaOf(relation), relation.name), block, kind, blocks: database.blocks(relation) ?? 0,
      start: skipped > 0 ? `record ${skipped} of ${records.length}` : start, records: records.slice(skipped).map(({ lsn: at, line }) => ({ lsn: at, line })),
    };
  }

  private state(bytes: Uint8Array, describe: (bytes: Uint8Array) => PageDescription, changes: PageState['changes']): PageState {
    const description = describe(bytes);
    const { header } = description;
    return {
      bytes, changes, problems: description.problems,
      header: `${description.type} · lsn ${text(header['lsn'])} · lower ${text(header['lower'])} · upper ${text(header['upper'])} · special ${text(header['special'])}${text(header['flags']) === '' ? '' : ` · ${text(header['flags'])}`}`,
      items: description.linePointers.map(({ offnum, off, len, flags, fields }) => ({
        offnum, off, len, text: flags === 'normal' ? Object.entries(fields).filter(([name, value]) => value !== null && !OMITTED.has(name)).map(([name, value]) => `${name.replace(/^t_/, '')} ${text(value)}`).join('  ') : `${flags}${fields['redirect'] === undefined ? '' : ` to ${text(fields['redirect'])}`}`,
      })),
    };
  }

  /** The page after so many records of the chain; undefined where another page was opened since. */
  stateAfter(handle: number, records: number): PageState | undefined {
    return handle === this.handles ? this.states[records] : undefined;
  }

  /** A relation's definition, as psql's \d+ shows it, then as SQL. */
  schema(lsn: Lsn, databaseName: string, oid: number): string[] {
    const database = this.model.databaseAt(lsn, databaseName);
    const schema = tableSchema(database, database.relation(`oid:${oid}`));
    let text = '';
    writeSchema(describeSchema(schema), true, (piece) => (text += piece));
    return [...text.trimEnd().split('\n'), '', ...tableDdl(database, schema).trimEnd().split('\n'), ...schema.unknown.map((what) => `-- not deparsed: ${what}`)];
  }

  /** What the case and its index hold. */
  status(): string[] {
    const status = caseStatus(this.model.session);
    const lines: [string, string][] = [
      ['case', status.case], ['cluster', `PostgreSQL ${status.majorVersion}, system identifier ${status.systemIdentifier}`],
      ['databases', status.databases.map((each) => each.name).join(', ')], ...status.problems.map(({ message }): [string, string] => ['', message]),
      ...status.backups.map((backup): [string, string] => ['backup', `${backup.path}, answers from ${backup.consistent ?? 'never'} on`]), ...status.wal.map((folder): [string, string] => ['wal', folder]),
      ['indexed', `${formatBytes(status.walBytes)} of WAL, ${formatCount(status.records)} records, ${formatCount(status.transactions)} transactions`],
      ['index', `${formatBytes(status.indexBytes)} in ${status.layers} layer${status.layers === 1 ? '' : 's'}`],
      ...status.coverage.flatMap((range): [string, string][] => [['covered', `${range.firstLsn} to ${range.lastLsn}`], ['', `${range.firstTime ?? 'unknown time'} to ${range.lastTime ?? 'unknown time'}`], ...(range.endReason === '' ? [] : [['ends', range.endReason] as [string, string]])]),
      ...status.gaps.map((gap): [string, string] => ['gap', `${gap.from} to ${gap.to}`]), ...status.minimal.map((gap): [string, string] => ['gap', `${gap.from} to ${gap.to ?? 'the end'}: wal_level was minimal`]),
      ...status.unreplayable.map((each): [string, string] => ['unknown', `${each.records} records of ${each.rmgr}, the first at ${each.firstLsn}`]),
    ];
    const { layers } = this.model.session.store;
    return [
      ...lines.map(([name, value]) => `${name.padEnd(9)}  ${value}`), '', 'layers',
      ...layers.entries.map((entry) => `  ${formatLsn(entry.startLsn)} to ${formatLsn(entry.endLsn)}  ${formatCount(entry.records)} records, ${formatCount(entry.xacts)} transactions, ${formatBytes(entry.bytes)}`),
    ];
  }
}

function text(value: FieldValue | undefined): string {
  return value === null || value === undefined ? '' : Array.isArray(value) ? value.join(' ') : String(value);
}
