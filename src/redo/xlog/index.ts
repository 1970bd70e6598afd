import type { Rmgr } from '../rmgr.js';
import { xlogDesc, xlogIdentify } from './desc.js';
import { xlogRedo } from './redo.js';

export const xlogRmgr: Rmgr = { id: 0, name: 'XLOG', identify: xlogIdentify, desc: xlogDesc, redo: xlogRedo, mask: null };
