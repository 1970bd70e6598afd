/** A map from whole numbers to handles above 0, in typed arrays: a third of the memory of a Map, and nothing for the garbage collector to follow. */

const FIRST_PLACES = 1024;

export class NumberMap {
  private keys = new Float64Array(FIRST_PLACES);
  /** 0: nothing is here. */
  private handles = new Uint32Array(FIRST_PLACES);
  private count = 0;

  get(key: number): number | undefined {
    const handle = this.handles[this.find(key)]!;
    return handle === 0 ? undefined : handle;
  }

  set(key: number, handle: number): void {
    let place = this.find(key);
    if (this.handles[place] === 0) {
      if ((this.count + 1) * 3 > this.handles.length * 2) {
        this.grow();
        place = this.find(key);
      }
      this.count++;
      this.keys[place] = key;
    }
    this.handles[place] = handle;
  }

  delete(key: number): void {
    const { keys, handles } = this, mask = handles.length - 1;
    let gap = this.find(key);
    if (handles[gap] === 0) return;
    this.count--;
    // what was put further on because the place was taken moves up
    for (let place = (gap + 1) & mask; handles[place] !== 0; place = (place + 1) & mask) {
      const home = this.home(keys[place]!);
      if (((place - home) & mask) < ((place - gap) & mask)) continue;
      keys[gap] = keys[place]!;
      handles[gap] = handles[place]!;
      gap = place;
    }
    handles[gap] = 0;
  }

  /** The handles, ascending. */
  values(): Uint32Array {
    return this.handles.filter((handle) => handle !== 0).sort();
  }

  clear(): void {
    this.keys = new Float64Array(FIRST_PLACES);
    this.handles = new Uint32Array(FIRST_PLACES);
    this.count = 0;
  }

  private home(key: number): number {
    const low = key | 0, high = Math.floor(key / 0x1_0000_0000) | 0;
    const hash = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1);
    return (hash ^ (hash >>> 15)) & (this.handles.length - 1);
  }

  /** Where the key is, or would go. */
  private find(key: number): number {
    const { keys, handles } = this, mask = handles.length - 1;
    let place = this.home(key);
    while (handles[place] !== 0 && keys[place] !== key) place = (place + 1) & mask;
    return place;
  }

  private grow(): void {
    const { keys, handles } = this;
    this.keys = new Float64Array(keys.length * 2);
    this.handles = new Uint32Array(handles.length * 2);
    for (let i = 0; i < handles.length; i++) {
      if (handles[i] === 0) continue;
      const place = this.find(keys[i]!);
      this.keys[place] = keys[i]!;
      this.handles[place] = handles[i]!;
    }
  }
}
