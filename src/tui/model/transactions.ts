/** The log, incidents, single transactions and row history, for the screen. */
import { ddlText } from '../../query/ddl.js';
import type { RowOperation } from '../../query/heapChanges.js';
import type { Change } from '../../query/diff.js';
import { rowHistory } from '../../query/history.js';
import { findIncidents, incidentExtent, incidentTitle } from '../../query/incidents.js';
import { entryTexts, headOf, transactionLog, type LogEntry } from '../../query/log.js';
import { writeScript } from '../../output/scriptText.js';
import { undoScript } from '../../query/revert.js';
import { Findings } from '../../query/session.js';
import { showTransaction } from '../../query/show.js';
import { isCommit } from '../../store/transactionLog.js';
import { ExitCode, WalscopeError } from '../../util/errors.js';
import { formatLsn, type Lsn } from '../../util/lsn.js';
import type { Activity, IncidentLine, LogLine, RowList, TransactionChange, TransactionInfo } from '../protocol.js';
import type { Model } from './model.js';

const CHANGES_KEPT = 2_000;
const SCRIPT_LINES = 5_000;
const ACTIVITY_BUCKETS = 512;
/** Commits after the moment that the log shows, so that what follows it is seen too. */
const LOG_AHEAD = 200;
const CHANGES: Record<RowOperation, Change> = { insert: 'added', update: 'changed', delete: 'removed' };

export class Transactions {
  private logs = new Map<number, { entries: Generator<LogEntry>; findings: Findings }>();
  private handles = 0;

  constructor(private readonly model: Model) {}

  /** Opens the log, newest first, from a little after the moment; `whole`: from the last moment on. */
  openLog(lsn: Lsn, whole: boolean): number {
    const { session } = this.model;
    const latest = session.moment('latest');
    let until = latest.lsn;
    if (!whole) {
      let ahead = 0;
      for (const row of session.store.transactions.rows(lsn, latest.lsn)) {
        if (++ahead <= LOG_AHEAD) continue;
        until = row.lsn;
        break;
      }
    }
    this.logs.clear(); // one at a time: each holds a window of WAL
    const findings = new Findings();
    this.logs.set(++this.handles, { findings, entries: transactionLog(session, { since: session.moment('earliest'), until: this.model.momentOf(until), aborted: true }, findings) });
    return this.handles;
  }

  /** The next lines, fewer at the end; and what could not be read so far. */
  moreLog(handle: number, count: number): { lines: LogLine[]; findings: string[] } {
    const log = this.logs.get(handle);
    const lines: LogLine[] = [];
    while (log && lines.length < count) {
      this.model.work.progress('reading the log', 0, 0);
      const next = log.entries.next();
      if (next.done) break;
      lines.push(this.logLine(next.value));
    }
    return { lines, findings: messagesOf(log?.findings) };
  }

  private logLine(entry: LogEntry): LogLine {
    const { time, xid, lsn, event, detail } = headOf(entry);
    const head = { lsn, endLsn: entry.kind === 'message' ? lsn : entry.row.endLsn, xid, event, detail, time: time === null ? '' : this.model.time(time) };
    if (entry.kind !== 'transaction') return { ...head, database: '', tables: [], ddl: [] };
    const { ddl, tables } = entryTexts(entry);
    return { ...head, database: entry.database, tables: entry.tables.map(({ oid }, i) => ({ oid, text: tables[i]! })), ddl };
  }

  /** All incidents, the worst first. */
  incidents(): { incidents: IncidentLine[]; findings: string[] } {
    const { session } = this.model;
    const findings = new Findings();
    const found = findIncidents(session, { since: session.moment('earliest'), until: session.moment('latest') }, findings);
    const incidents = found.map((incident) => ({
      title: incidentTitle(incident), extent: incidentExtent(incident), database: incident.database, time: incident.time, timeText: this.model.time(incident.time),
      xid: incident.xid, lsn: incident.lsn, before: incident.before, oid: incident.oid,
    }));
    return { incidents, findings: messagesOf(findings) };
  }

  /** The whole transaction log by time; undefined where it holds no commit. */
  activity(): Activity | undefined {
    let from = Infinity, to = -Infinity;
    this.eachCommit((time) => {
      from = Math.min(from, time);
      to = Math.max(to, time);
    });
    if (from > to) return undefined;
    const bytes = new Array<number>(ACTIVITY_BUCKETS).fill(0);
    this.eachCommit((time, size) => (bytes[Math.min(ACTIVITY_BUCKETS - 1, Math.floor(((time - from) / Math.max(1, to - from)) * ACTIVITY_BUCKETS))]! += size));
    return { from, to, fromText: this.model.time(from), toText: this.model.time(to), bytes };
  }

  /** Calls `visit` with the time of each commit and the bytes of WAL since the one before it. None is kept: there may be hundreds of millions. */
  private eachCommit(visit: (time: number, bytes: number) => void): void {
    const { store } = this.model.session;
    for (const range of store.coverage) {
      let last = range.firstLsn;
      for (const row of store.transactions.rows(range.firstLsn, range.lastLsn)) {
        if (!isCommit(row)) continue;
        visit(row.time, row.endLsn - last);
        last = row.endLsn;
        this.model.work.check();
      }
    }
  }

  /** What a transaction did, row by row, up to a limit. */
  transaction(xid: number): TransactionInfo {
    const findings = new Findings();
    const shown = showTransaction(this.model.session, xid, findings);
    const changes: TransactionChange[] = [];
    let isCut = false;
    shown.rows(({ table, operation, before, after }) => {
      this.model.work.progress('reading row changes', changes.length, 0);
      if (changes.length === CHANGES_KEPT) {
        isCut = true;
        return false;
      }
      changes.push({ oid: table.oid, table: table.name, change: CHANGES[operation], columns: table.columns.map((column) => column.name), key: table.key, before, after });
      return true;
    });
    const { row, committed } = shown;
    const database = (shown.after ?? shown.before)?.database.name ?? '';
    const subs = row.subxids.length > 0 ? [`${row.subxids.length} subtransaction${row.subxids.length > 1 ? 's' : ''}`] : [];
    return {
      xid: row.xid, lsn: row.lsn, ddl: shown.ddl().map(ddlText), changes, isCut, database, findings: messagesOf(findings),
      headline: [`xid ${row.xid}`, `${committed ? 'committed' : 'aborted'} ${this.model.time(row.time)}`, `LSN ${formatLsn(row.lsn)}`, database, ...subs].filter((part) => part !== '').join(' · '),
    };
  }

  /** The script that reverts a transaction, its first lines. */
  undo(xid: number): { lines: string[]; isCut: boolean; findings: string[] } {
    const findings = new Findings();
    const lines: string[] = [];
    let isCut = false;
    writeScript(undoScript(showTransaction(this.model.session, xid, findings), findings), (text) => {
      this.model.work.check();
      if (lines.length < SCRIPT_LINES) lines.push(text.slice(0, -1));
      else isCut = true;
    });
    return { lines, isCut, findings: messagesOf(findings) };
  }

  /** Every version of the row whose primary key it is, over the whole archive. */
  async history(lsn: Lsn, database: string, oid: number, key: (string | null)[]): Promise<RowList> {
    const { session } = this.model;
    const latest = session.moment('latest');
    const now = session.databasesAt(latest).find((each) => each.database.name === database && each.catalog.relations.has(oid));
    if (key.length === 0) throw new WalscopeError('usage.key', 'the table has no primary key: its rows cannot be told apart over time', { exitCode: ExitCode.usage, hint: 'search its changes with walscope find --where' });
    const findings = new Findings();
    const at = now ?? this.model.databaseAt(lsn, database);
    const answer = await rowHistory(session, at, `oid:${oid}`, key.map((value) => value ?? ''), { since: session.moment('earliest'), until: at.moment }, findings);
    return { columns: answer.columns.map((column, i) => ({ name: column.name, typeName: column.typeName, isKey: i === 0 })), rows: answer.rows, notices: [...answer.notices, ...messagesOf(findings)] };
  }
}

function messagesOf(findings: Findings | undefined): string[] {
  return findings?.list.map((each) => each.message) ?? [];
}
