import type { Rmgr } from '../rmgr.js';
import { btreeDesc, btreeIdentify } from './desc.js';
import { btreeMask } from './mask.js';
import { btreeRedo } from './redo.js';

export const btreeRmgr: Rmgr = {
  id: 11, name: 'Btree', identify: btreeIdentify, desc: btreeDesc, redo: btreeRedo, mask: btreeMask,
};
