import type { Rmgr } from '../rmgr.js';
import { hashDesc, hashIdentify } from './desc.js';
import { hashMask } from './mask.js';
import { hashRedo } from './redo.js';

export const hashRmgr: Rmgr = { id: 12, name: 'Hash', identify: hashIdentify, desc: hashDesc, redo: hashRedo, mask: hashMask };
