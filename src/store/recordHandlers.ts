/**
 * What ingest does with the records that change more than the blocks they reference: one function a resource manager.
 * Each follows its manager's redo routine as far as that changes files, SLRU pages, directories or time.
 */
import { XactKind, type XactRow } from '../layerfile/deltaLayer.js';
import { ForkNumber } from '../pg/relFileLocator.js';
import { visibilitymapTruncationLength } from '../pg/visibilityMap.js';
import type { XLogRecord } from '../pg/xlogRecord.js';
import { CLOG_ZEROPAGE, readClogZeropage } from '../redo/clog/xlog.js';
import { COMMIT_TS_ZEROPAGE, readCommitTsZeropage } from '../redo/committs/xlog.js';
import {
  dbaseOpcode, readXlDbaseCreateFileCopy, readXlDbaseCreateWalLog, readXlDbaseDrop,
  XLOG_DBASE_CREATE_FILE_COPY, XLOG_DBASE_CREATE_WAL_LOG, XLOG_DBASE_DROP,
} from '../redo/dbase/xlog.js';
import {
  readMultixactZeroPage, readXlMultixactCreate, XLOG_MULTIXACT_CREATE_ID, XLOG_MULTIXACT_ZERO_MEM_PAGE, XLOG_MULTIXACT_ZERO_OFF_PAGE,
} from '../redo/multixact/xlog.js';
import { readXlLogicalMessage } from '../redo/logicalmsg/xlog.js';
import { readXlRelmapUpdate, XLOG_RELMAP_UPDATE } from '../redo/relmap/xlog.js';
import { RmgrId } from '../redo/rmgrlist.js';
import { readXlSmgrCreate, readXlSmgrTruncate, SMGR_TRUNCATE_HEAP, SMGR_TRUNCATE_VM, XLOG_SMGR_CREATE, XLOG_SMGR_TRUNCATE } from '../redo/smgr/xlog.js';
import { readXlRunningXacts, XLOG_RUNNING_XACTS } from '../redo/standby/xlog.js';
import { readXlTblspcCreate, readXlTblspcDrop, XLOG_TBLSPC_CREATE, XLOG_TBLSPC_DROP } from '../redo/tblspc/xlog.js';
import {
  endedXid, parseAbortRecord, parseCommitRecord, parsePrepareRecord, xactOpcode,
  XLOG_XACT_ABORT, XLOG_XACT_ABORT_PREPARED, XLOG_XACT_COMMIT, XLOG_XACT_COMMIT_PREPARED, XLOG_XACT_PREPARE,
} from '../redo/xact/xlog.js';
import {
  readBackupEnd, readCheckPoint, readXlEndOfRecovery, readXlParameterChange, readXlRestorePoint,
  XLOG_BACKUP_END, XLOG_CHECKPOINT_ONLINE, XLOG_CHECKPOINT_SHUTDOWN, XLOG_END_OF_RECOVERY, XLOG_PARAMETER_CHANGE, XLOG_RESTORE_POINT,
} from '../redo/xlog/xlog.js';
import type { RecordEffects } from './recordEffects.js';
import { EventKind } from './layerEvents.js';
import { multixactPagesOf } from '../redo/multixact/redo.js';
import { Slru, slruRelation } from './slruKeys.js';

type RecordHandler = (record: XLogRecord, layer: RecordEffects) => void;

/** By resource manager id; managers that only change the blocks they reference have none. */
export const RECORD_HANDLERS: Partial<Record<number, RecordHandler>> = {
  [RmgrId.xlog]: xlog,
  [RmgrId.xact]: xact,
  [RmgrId.smgr]: smgr,
  [RmgrId.clog]: clog,
  [RmgrId.dbase]: dbase,
  [RmgrId.tblspc]: tblspc,
  [RmgrId.multixact]: multixact,
  [RmgrId.relmap]: relmap,
  [RmgrId.standby]: standby,
  [RmgrId.commitTs]: commitTs,
  [RmgrId.logicalmsg]: logicalmsg,
};

function xlog(record: XLogRecord, layer: RecordEffects): void {
  switch (record.rmgrInfo) {
    case XLOG_CHECKPOINT_SHUTDOWN:
    case XLOG_CHECKPOINT_ONLINE: {
      const checkpoint = readCheckPoint(record);
      layer.event(EventKind.checkpoint, [checkpoint.redo, checkpoint.nextFullXid, record.rmgrInfo === XLOG_CHECKPOINT_SHUTDOWN ? 1 : 0, checkpoint.time]);
      break;
    }
    case XLOG_END_OF_RECOVERY: {
      const end = readXlEndOfRecovery(record);
      layer.event(EventKind.endOfRecovery, [end.thisTimeline, end.prevTimeline]);
      break;
    }
    case XLOG_BACKUP_END:
      // the backup is consistent once this record is replayed
      layer.event(EventKind.backupEnd, [readBackupEnd(record).startPoint, record.endLsn]);
      break;
    case XLOG_PARAMETER_CHANGE: {
      const change = readXlParameterChange(record);
      layer.event(EventKind.parameterChange, [change.walLevel, change.walLogHints ? 1 : 0]);
      break;
    }
    case XLOG_RESTORE_POINT: {
      const point = readXlRestorePoint(record);
      layer.transactionNote(row(record, XactKind.restorePoint, point.rpTime, 0, 0, [], point.rpName));
      break;
    }
  }
}

function row(record: XLogRecord, kind: XactKind, time: bigint, xid: number, dbOid: number, subxids: number[], name: string): XactRow {
  return { lsn: record.lsn, endLsn: record.endLsn, kind, time: Number(time), xid, dbOid, subxids, name, changes: 0 };
}

/** xact_redo_commit(), xact_redo_abort(): status of the transaction and its children, then the files that go. */
function xact(record: XLogRecord, layer: RecordEffects): void {
  const opcode = xactOpcode(record);
  switch (opcode) {
    case XLOG_XACT_COMMIT:
    case XLOG_XACT_COMMIT_PREPARED:
    case XLOG_XACT_ABORT:
    case XLOG_XACT_ABORT_PREPARED: {
      const isCommit = opcode === XLOG_XACT_COMMIT || opcode === XLOG_XACT_COMMIT_PREPARED;
      const parsed = isCommit ? parseCommitRecord(record) : parseAbortRecord(record);
      layer.transactionEnd(row(record, XACT_KINDS[opcode]!, parsed.xactTime, endedXid(record, parsed), parsed.dbId, parsed.subxacts, parsed.twophaseGid));
      for (const rel of parsed.xlocators) layer.relationDropped(rel);
      break;
    }
    case XLOG_XACT_PREPARE: {
      const prepare = parsePrepareRecord(record);
      layer.transactionNote(row(record, XactKind.prepare, prepare.preparedAt, prepare.xid, prepare.database, prepare.subxacts, prepare.gid));
      break;
    }
  }
}

const XACT_KINDS: Record<number, XactKind> = {
  [XLOG_XACT_COMMIT]: XactKind.commit,
  [XLOG_XACT_COMMIT_PREPARED]: XactKind.commitPrepared,
  [XLOG_XACT_ABORT]: XactKind.abort,
  [XLOG_XACT_ABORT_PREPARED]: XactKind.abortPrepared,
};

/** smgr_redo(): a truncation's flags are independent of each other. The free space map is not followed. */
function smgr(record: XLogRecord, layer: RecordEffects): void {
  if (record.rmgrInfo === XLOG_SMGR_CREATE) {
    layer.forkCreated(readXlSmgrCreate(record));
  } else if (record.rmgrInfo === XLOG_SMGR_TRUNCATE) {
    const truncate = readXlSmgrTruncate(record);
    if ((truncate.flags & SMGR_TRUNCATE_HEAP) !== 0) layer.forkTruncated(truncate.rel, truncate.blkno);
    if ((truncate.flags & SMGR_TRUNCATE_VM) !== 0) layer.forkTruncated({ ...truncate.rel, fork: ForkNumber.vm }, visibilitymapTruncationLength(truncate.blkno));
  }
}

function clog(record: XLogRecord, layer: RecordEffects): void {
  // a truncation only forgets pages that nobody asks for
  if (record.rmgrInfo === CLOG_ZEROPAGE) layer.clogPageZeroed(readClogZeropage(record).pageno);
}

/** A message that is not transactional stands alone, though its record may carry an xid. */
function logicalmsg(record: XLogRecord, layer: RecordEffects): void {
  layer.logicalMessage(record.lsn, readXlLogicalMessage(record).transactional ? record.xid : 0);
}

function commitTs(record: XLogRecord, layer: RecordEffects): void {
  if (record.rmgrInfo === COMMIT_TS_ZEROPAGE) layer.slruPage(slruRelation(Slru.commitTs), readCommitTsZeropage(record).pageno, true);
}

function dbase(record: XLogRecord, layer: RecordEffects): void {
  switch (dbaseOpcode(record.info, record.major)) {
    case XLOG_DBASE_CREATE_FILE_COPY: {
      const copy = readXlDbaseCreateFileCopy(record);
      layer.event(EventKind.databaseCopy, [copy.tablespaceId, copy.dbId, copy.srcTablespaceId, copy.srcDbId]);
      break;
    }
    case XLOG_DBASE_CREATE_WAL_LOG: {
      const create = readXlDbaseCreateWalLog(record);
      layer.event(EventKind.databaseCreate, [create.tablespaceId, create.dbId]);
      break;
    }
    case XLOG_DBASE_DROP: {
      const drop = readXlDbaseDrop(record);
      layer.event(EventKind.databaseDrop, [drop.dbId, ...drop.tablespaceIds]);
      break;
    }
  }
}

function tblspc(record: XLogRecord, layer: RecordEffects): void {
  if (record.rmgrInfo === XLOG_TBLSPC_CREATE) {
    const create = readXlTblspcCreate(record);
    layer.event(EventKind.tablespaceCreate, [create.tsId], create.tsPath);
  } else if (record.rmgrInfo === XLOG_TBLSPC_DROP) {
    layer.event(EventKind.tablespaceDrop, [readXlTblspcDrop(record).tsId]);
  }
}

function relmap(record: XLogRecord, layer: RecordEffects): void {
  if (record.rmgrInfo !== XLOG_RELMAP_UPDATE) return;
  const update = readXlRelmapUpdate(record);
  layer.event(EventKind.relmap, [update.tsId, update.dbId]);
}

function standby(record: XLogRecord, layer: RecordEffects): void {
  if (record.rmgrInfo !== XLOG_RUNNING_XACTS) return;
  const running = readXlRunningXacts(record);
  layer.event(EventKind.runningXacts, [running.nextXid, running.oldestRunningXid]);
}

/** multixact_redo(): a new multixact writes its offset, and its members, which may span pages. */
function multixact(record: XLogRecord, layer: RecordEffects): void {
  switch (record.rmgrInfo) {
    case XLOG_MULTIXACT_ZERO_OFF_PAGE:
      layer.slruPage(slruRelation(Slru.multixactOffsets), readMultixactZeroPage(record).pageno, true);
      break;
    case XLOG_MULTIXACT_ZERO_MEM_PAGE:
      layer.slruPage(slruRelation(Slru.multixactMembers), readMultixactZeroPage(record).pageno, true);
      break;
    case XLOG_MULTIXACT_CREATE_ID: {
      const { offsetPages, memberPages } = multixactPagesOf(readXlMultixactCreate(record));
      for (const page of offsetPages) layer.slruPage(slruRelation(Slru.multixactOffsets), page, false);
      for (const page of memberPages) layer.slruPage(slruRelation(Slru.multixactMembers), page, false);
      break;
    }
  }
}
