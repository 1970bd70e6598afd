import type { Rmgr } from '../rmgr.js';
import { ginDesc, ginIdentify } from './desc.js';
import { ginMask } from './mask.js';
import { ginRedo } from './redo.js';

export const ginRmgr: Rmgr = { id: 13, name: 'Gin', identify: ginIdentify, desc: ginDesc, redo: ginRedo, mask: ginMask };
