import type { Rmgr } from '../rmgr.js';
import { standbyDesc, standbyIdentify } from './desc.js';

export const standbyRmgr: Rmgr = { id: 8, name: 'Standby', identify: standbyIdentify, desc: standbyDesc, redo: null, mask: null };
