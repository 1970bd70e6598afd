import type { Rmgr } from '../rmgr.js';
import { xactDesc, xactIdentify } from './desc.js';

export const xactRmgr: Rmgr = { id: 1, name: 'Transaction', identify: xactIdentify, desc: xactDesc, redo: null, mask: null };
