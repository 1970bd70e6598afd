import type { Rmgr } from '../rmgr.js';
import { dbaseDesc, dbaseIdentify } from './desc.js';

export const dbaseRmgr: Rmgr = { id: 4, name: 'Database', identify: dbaseIdentify, desc: dbaseDesc, redo: null, mask: null };
