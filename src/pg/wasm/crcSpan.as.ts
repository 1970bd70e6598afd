/** The checksum of one span at a time, for whoever reads blocks and records one by one: compiled by itself, so that starting it costs little. */
import { crcSpan, initCrc } from './crc32c.as';
import { allocate, FOLD_MAX } from './memory.as';

export { crcSpan };

/** To be called first. Gives where the bytes go, FOLD_MAX at the most. */
export function begin(): usize {
  allocate(0); // the fixed part
  initCrc();
  return allocate(<usize>FOLD_MAX + 64);
}
