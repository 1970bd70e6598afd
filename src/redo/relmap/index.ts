import type { Rmgr } from '../rmgr.js';
import { relmapDesc, relmapIdentify } from './desc.js';

export const relmapRmgr: Rmgr = { id: 7, name: 'RelMap', identify: relmapIdentify, desc: relmapDesc, redo: null, mask: null };
