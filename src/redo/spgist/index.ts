import type { Rmgr } from '../rmgr.js';
import { spgDesc, spgIdentify } from './desc.js';
import { spgMask } from './mask.js';
import { spgRedo } from './redo.js';

export const spgistRmgr: Rmgr = { id: 16, name: 'SPGist', identify: spgIdentify, desc: spgDesc, redo: spgRedo, mask: spgMask };
