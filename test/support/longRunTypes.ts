/** Record types, in pg_waldump's words, that test/long/recordTypes.test.ts demands of an archive of each major that has them. */
export const REACHED_BY_LONG_RUN = [
  'XLOG CHECKPOINT_SHUTDOWN', 'XLOG CHECKPOINT_ONLINE', 'XLOG NEXTOID', 'XLOG SWITCH', 'XLOG BACKUP_END', 'XLOG PARAMETER_CHANGE', 'XLOG RESTORE_POINT', 'XLOG FPW_CHANGE',
  'XLOG END_OF_RECOVERY', 'XLOG FPI_FOR_HINT', 'XLOG FPI', 'XLOG CHECKPOINT_REDO',
  'Transaction COMMIT', 'Transaction PREPARE', 'Transaction ABORT', 'Transaction COMMIT_PREPARED', 'Transaction ABORT_PREPARED', 'Transaction ASSIGNMENT', 'Transaction INVALIDATION',
  'Storage CREATE', 'Storage TRUNCATE', 'CLOG ZEROPAGE', 'CLOG TRUNCATE',
  'Database CREATE', 'Database DROP', 'Database CREATE_FILE_COPY', 'Database CREATE_WAL_LOG', 'Tablespace CREATE', 'Tablespace DROP',
  'MultiXact ZERO_OFF_PAGE', 'MultiXact ZERO_MEM_PAGE', 'MultiXact CREATE_ID', 'MultiXact TRUNCATE_ID', 'RelMap UPDATE',
  'Standby LOCK', 'Standby RUNNING_XACTS', 'Standby INVALIDATIONS', 'CommitTs ZEROPAGE', 'CommitTs TRUNCATE',
  'ReplicationOrigin SET', 'ReplicationOrigin DROP', 'LogicalMessage MESSAGE',
];
