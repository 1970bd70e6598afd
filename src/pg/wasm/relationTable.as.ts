/** Numbers relation forks in order of first mention: 16 bytes each, and a hash table of their ordinals + 1. */
import { allocate } from './memory.as';

let relations: usize = 0;
let relationCount: u32 = 0;
let relationCapacity: u32 = 0;
let slots: usize = 0;
let slotMask: u32 = 0;

export function relationsAt(): usize { return relations; }
export function getRelationCount(): u32 { return relationCount; }

/** Tablespace, database, relation number and fork. */
export function relationAt(ordinal: u32): usize { return relations + (<usize>ordinal << 4); }

export function growRelations(capacity: u32): void {
  const table = allocate(<usize>capacity * 16);
  memory.copy(table, relations, <usize>relationCount * 16);
  relations = table;
  relationCapacity = capacity;
  slotMask = capacity * 2 - 1;
  slots = allocate(<usize>capacity * 8);
  fillSlots();
}

/** All but the first `count`: the others were read from a record that is damaged. */
export function forgetRelations(count: u32): void {
  relationCount = count;
  fillSlots();
}

function fillSlots(): void {
  memory.fill(slots, 0, <usize>relationCapacity * 8);
  for (let i: u32 = 0; i < relationCount; i++) {
    const at = relations + (<usize>i << 4);
    let slot = hash(load<u32>(at), load<u32>(at, 4), load<u32>(at, 8), load<u32>(at, 12)) & slotMask;
    while (load<u32>(slots + (<usize>slot << 2)) != 0) slot = (slot + 1) & slotMask;
    store<u32>(slots + (<usize>slot << 2), i + 1);
  }
}

@inline
function hash(spc: u32, db: u32, rel: u32, fork: u32): u32 {
  let h = rel * 0x9e3779b1 ^ db * 0x85ebca6b ^ (spc + fork) * 0xc2b2ae35;
  return h ^ (h >> 15);
}

/** The ordinal of a relation fork, a new one at its first mention. */
export function intern(spc: u32, db: u32, rel: u32, fork: u32): u32 {
  let slot = hash(spc, db, rel, fork) & slotMask;
  while (true) {
    const found = load<u32>(slots + (<usize>slot << 2));
    if (found == 0) break;
    const at = relations + (<usize>(found - 1) << 4);
    if (load<u32>(at, 8) == rel && load<u32>(at, 4) == db && load<u32>(at) == spc && load<u32>(at, 12) == fork) return found - 1;
    slot = (slot + 1) & slotMask;
  }
  const ordinal = relationCount++;
  const at = relations + (<usize>ordinal << 4);
  store<u32>(at, spc);
  store<u32>(at, db, 4);
  store<u32>(at, rel, 8);
  store<u32>(at, fork, 12);
  store<u32>(slots + (<usize>slot << 2), ordinal + 1);
  if (relationCount == relationCapacity) growRelations(relationCapacity * 2);
  return ordinal;
}
