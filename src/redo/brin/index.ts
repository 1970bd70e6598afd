import type { Rmgr } from '../rmgr.js';
import { brinDesc, brinIdentify } from './desc.js';
import { brinMask } from './mask.js';
import { brinRedo } from './redo.js';

export const brinRmgr: Rmgr = { id: 17, name: 'BRIN', identify: brinIdentify, desc: brinDesc, redo: brinRedo, mask: brinMask };
