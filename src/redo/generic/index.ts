import type { Rmgr } from '../rmgr.js';
import { genericDesc, genericIdentify } from './desc.js';
import { genericMask } from './mask.js';
import { genericRedo } from './redo.js';

export const genericRmgr: Rmgr = { id: 20, name: 'Generic', identify: genericIdentify, desc: genericDesc, redo: genericRedo, mask: genericMask };
