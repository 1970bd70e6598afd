import type { Rmgr } from '../rmgr.js';
import { commitTsDesc, commitTsIdentify } from './desc.js';

export const commitTsRmgr: Rmgr = { id: 18, name: 'CommitTs', identify: commitTsIdentify, desc: commitTsDesc, redo: null, mask: null };
