import { describe, expect, it } from 'vitest';
import type { BackupLabel } from '../../src/pg/backupLabel.js';
import { consistencyPoint } from '../../src/store/backups.js';
import { EventKind } from '../../src/store/layerEvents.js';
import type { Lsn } from '../../src/util/lsn.js';

describe('where a backup becomes consistent', () => {
  const startLsn = 0x2000ce8 as Lsn;
  const ends = [{ lsn: 0x2089738 as Lsn, kind: EventKind.backupEnd, args: [startLsn, 0x2089760], text: '' }];
  const from = (backupFrom: BackupLabel['backupFrom'], consistentLsn?: number): Parameters<typeof consistencyPoint>[0] =>
    ({ startLsn, consistentLsn: consistentLsn as Lsn | undefined, label: { backupFrom } as BackupLabel });

  it('of a primary: at its end record', () => {
    expect(consistencyPoint(from('primary'), ends)).toBe(0x2089760);
    expect(consistencyPoint(from('primary', 0x2089760), [])).toBe(0x2089760);
    expect(consistencyPoint(from('primary'), [])).toBeUndefined();
  });

  it("of a standby: where it says itself, not at the end of a primary's backup that began at the same checkpoint", () => {
    expect(consistencyPoint(from('standby', 0x26100d0), ends)).toBe(0x26100d0);
    expect(consistencyPoint(from('standby'), ends)).toBeUndefined();
  });
});
