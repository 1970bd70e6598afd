import type { Rmgr } from '../rmgr.js';
import { smgrDesc, smgrIdentify } from './desc.js';
import { smgrImplicitEdits, smgrRedo } from './redo.js';

export const smgrRmgr: Rmgr = {
  id: 2, name: 'Storage', identify: smgrIdentify, desc: smgrDesc, redo: smgrRedo, mask: null, implicitEdits: smgrImplicitEdits,
};
