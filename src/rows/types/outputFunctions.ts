/** Every output function that is known here, by its C symbol: pg_proc.prosrc of pg_type.typoutput, PG 13–18. */
import { arrayOut } from './array.js';
import { enumOut, recordOut } from './composite.js';
import { dateOut, intervalOut, timeOut, timestampOut, timestamptzOut, timetzOut } from './datetime.js';
import { float4out, float8out } from './float.js';
import { jsonbOut } from './jsonb.js';
import { numericOut } from './numeric.js';
import { boolout, int2out, int2vectorout, int4out, int8out, oidout, oidvectorout, pgLsnOut, tidout, uuidOut, xid8out } from './scalar.js';
import { byteaout, charout, nameout, textout, voidOut } from './text.js';
import type { OutputFunction } from './typeInfo.js';

export const OUTPUT_FUNCTIONS: Readonly<Record<string, OutputFunction>> = {
  boolout, int2out, int4out, int8out, float4out, float8out, numeric_out: numericOut,
  oidout, xidout: oidout, cidout: oidout, xid8out, tidout, pg_lsn_out: pgLsnOut, int2vectorout, oidvectorout, uuid_out: uuidOut,
  textout, varcharout: textout, bpcharout: textout, nameout, charout, byteaout, cstring_out: textout, unknownout: textout, void_out: voidOut,
  json_out: textout, jsonb_out: jsonbOut,
  date_out: dateOut, time_out: timeOut, timetz_out: timetzOut, timestamp_out: timestampOut, timestamptz_out: timestamptzOut, interval_out: intervalOut,
  array_out: arrayOut, anyarray_out: arrayOut, enum_out: enumOut, record_out: recordOut,
};
