import type { Rmgr } from '../rmgr.js';
import { tblspcDesc, tblspcIdentify } from './desc.js';

export const tblspcRmgr: Rmgr = { id: 5, name: 'Tablespace', identify: tblspcIdentify, desc: tblspcDesc, redo: null, mask: null };
