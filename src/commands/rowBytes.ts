/** Rows as bytes: nothing of a whole table becomes a string that need not. */
import type { Asof } from '../query/asof.js';
import { ByteSink, type FieldForm } from '../util/byteSink.js';

const NEWLINE = 0x0a;
const TAKE_BYTES = 256 * 1024;

/** Hands the lines of an answer's rows to `take` in large pieces, whose bytes are overwritten afterwards; it may stop them by giving false. */
export function writeRowBytes(answer: Asof, form: FieldForm, take: (bytes: Uint8Array) => boolean): void {
  const sink = new ByteSink(2 * TAKE_BYTES);
  const give = (): boolean => {
    const goesOn = take(sink.bytes.subarray(0, sink.length));
    sink.length = 0;
    return goesOn;
  };
  answer.rowsInto(sink, form, () => {
    sink.byte(NEWLINE);
    return sink.length < TAKE_BYTES || give();
  });
  if (sink.length > 0) give();
}
