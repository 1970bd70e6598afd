import type { Rmgr } from '../rmgr.js';
import { gistDesc, gistIdentify } from './desc.js';
import { gistMask } from './mask.js';
import { gistRedo, gistRedoRestored } from './redo.js';

export const gistRmgr: Rmgr = {
  id: 14, name: 'Gist', identify: gistIdentify, desc: gistDesc, redo: gistRedo, redoRestored: gistRedoRestored, mask: gistMask,
};
