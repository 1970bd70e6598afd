import type { Rmgr } from '../rmgr.js';
import { multixactDesc, multixactIdentify } from './desc.js';

/** No relation pages: the offset and member pages are multixact/redo.ts's. */
export const multixactRmgr: Rmgr = { id: 6, name: 'MultiXact', identify: multixactIdentify, desc: multixactDesc, redo: null, mask: null };
