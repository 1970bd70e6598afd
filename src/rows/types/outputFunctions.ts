/** Every output function that is known here, by its C symbol: pg_proc.prosrc of pg_type.typoutput, PG 13–18. */
import { arrayOut } from './array.js';
import { bitOut } from './bits.js';
import { aclitemOut, pgDependenciesOut, pgNdistinctOut, pgSnapshotOut, regOut } from './catalogTypes.js';
import { enumOut, recordOut } from './composite.js';
import { hstoreOut } from './contrib/hstore.js';
import { ean13Out, isnOut } from './contrib/isn.js';
import { lqueryOut, ltreeOut, ltxtqueryOut } from './contrib/ltree.js';
import { cubeOut, queryIntOut, segOut } from './contrib/numericShapes.js';
import { dateOut, intervalOut, timeOut, timestampOut, timestamptzOut, timetzOut } from './datetime.js';
import { float4out, float8out } from './float.js';
import { boxOut, circleOut, lineOut, lsegOut, pathOut, pointOut, polyOut } from './geometric.js';
import { jsonbOut } from './jsonb.js';
import { jsonpathOut } from './jsonpath.js';
import { cashOut } from './money.js';
import { cidrOut, inetOut, macaddrOut } from './network.js';
import { numericOut } from './numeric.js';
import { multirangeOut, rangeOut } from './range.js';
import { boolout, int2out, int2vectorout, int4out, int8out, oidout, oidvectorout, pgLsnOut, tidout, uuidOut, xid8out } from './scalar.js';
import { byteaout, charout, nameout, textout, voidOut } from './text.js';
import { tsqueryOut, tsvectorOut } from './textSearch.js';
import { xmlOut } from './xml.js';
import type { OutputFunction } from './typeInfo.js';

export const OUTPUT_FUNCTIONS: Readonly<Record<string, OutputFunction>> = {
  boolout, int2out, int4out, int8out, float4out, float8out, numeric_out: numericOut,
  oidout, xidout: oidout, cidout: oidout, xid8out, tidout, pg_lsn_out: pgLsnOut, int2vectorout, oidvectorout, uuid_out: uuidOut,
  textout, varcharout: textout, bpcharout: textout, nameout, charout, byteaout, cstring_out: textout, unknownout: textout, void_out: voidOut,
  json_out: textout, jsonb_out: jsonbOut, jsonpath_out: jsonpathOut, xml_out: xmlOut, cash_out: cashOut, bit_out: bitOut, varbit_out: bitOut,
  inet_out: inetOut, cidr_out: cidrOut, macaddr_out: macaddrOut, macaddr8_out: macaddrOut,
  point_out: pointOut, lseg_out: lsegOut, path_out: pathOut, box_out: boxOut, poly_out: polyOut, line_out: lineOut, circle_out: circleOut,
  tsvectorout: tsvectorOut, tsqueryout: tsqueryOut,
  date_out: dateOut, time_out: timeOut, timetz_out: timetzOut, timestamp_out: timestampOut, timestamptz_out: timestamptzOut, interval_out: intervalOut,
  array_out: arrayOut, anyarray_out: arrayOut, enum_out: enumOut, record_out: recordOut, range_out: rangeOut, multirange_out: multirangeOut,
  regclassout: regOut('regclass', '-'), regprocout: regOut('regproc', '-'), regprocedureout: regOut('regprocedure', '-'), regoperout: regOut('regoper', '0'),
  regoperatorout: regOut('regoperator', '0'), regtypeout: regOut('regtype', '-'), regroleout: regOut('regrole', '-'), regnamespaceout: regOut('regnamespace', '-'),
  regcollationout: regOut('regcollation', '-'), regconfigout: regOut('regconfig', '-'), regdictionaryout: regOut('regdictionary', '-'),
  aclitemout: aclitemOut, pg_snapshot_out: pgSnapshotOut, pg_node_tree_out: textout, pg_ndistinct_out: pgNdistinctOut, pg_dependencies_out: pgDependenciesOut,
  pg_mcv_list_out: byteaout,
  hstore_out: hstoreOut, ltree_out: ltreeOut, lquery_out: lqueryOut, ltxtq_out: ltxtqueryOut, cube_out: cubeOut, seg_out: segOut, bqarr_out: queryIntOut,
  isn_out: isnOut, ean13_out: ean13Out,
};
