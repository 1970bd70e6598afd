import type { Rmgr } from '../rmgr.js';
import { clogDesc, clogIdentify } from './desc.js';

/** No relation pages: the commit log's own pages are clog/redo.ts's. */
export const clogRmgr: Rmgr = { id: 3, name: 'CLOG', identify: clogIdentify, desc: clogDesc, redo: null, mask: null };
