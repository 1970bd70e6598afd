import type { Rmgr } from '../rmgr.js';
import { reploriginDesc, reploriginIdentify } from './desc.js';

export const reploriginRmgr: Rmgr = { id: 19, name: 'ReplicationOrigin', identify: reploriginIdentify, desc: reploriginDesc, redo: null, mask: null };
