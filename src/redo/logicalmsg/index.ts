import type { Rmgr } from '../rmgr.js';
import { logicalmsgDesc, logicalmsgIdentify } from './desc.js';

export const logicalmsgRmgr: Rmgr = { id: 21, name: 'LogicalMessage', identify: logicalmsgIdentify, desc: logicalmsgDesc, redo: null, mask: null };
