import type { Rmgr } from '../rmgr.js';
import { smgrDesc, smgrIdentify } from './desc.js';

export const smgrRmgr: Rmgr = { id: 2, name: 'Storage', identify: smgrIdentify, desc: smgrDesc, redo: null, mask: null };
