/** The rows of the Heap and Heap2 managers. */
import type { Rmgr } from '../rmgr.js';
import { heap2Desc, heap2Identify, heapDesc, heapIdentify } from './desc.js';
import { heapMask } from './mask.js';
import { heapRedo } from './redo.js';
import { heap2Redo } from './redo2.js';
import { heap2ImplicitEdits, heapImplicitEdits } from './vm.js';

export const heapRmgr: Rmgr = {
  id: 10, name: 'Heap', identify: heapIdentify, desc: heapDesc, redo: heapRedo, mask: heapMask, implicitEdits: heapImplicitEdits,
};

export const heap2Rmgr: Rmgr = {
  id: 9, name: 'Heap2', identify: heap2Identify, desc: heap2Desc, redo: heap2Redo, mask: heapMask, implicitEdits: heap2ImplicitEdits,
};
