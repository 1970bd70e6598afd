/** walscope layers: the layer files of a case: what they cover and hold, one of them in full, the records behind them, their checksums. */
import { dumpLayer, findLayer, listLayers, recordLines, recordRange, verifyLayers } from '../query/layers.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { formatLsn } from '../util/lsn.js';
import { DataOutput, openRows, openSession, reportFindings, type CommonOptions } from './context.js';

export interface LayersCommandOptions extends CommonOptions {
  records?: string;
  verify?: boolean;
}

export async function layersCommand(name: string | undefined, options: LayersCommandOptions): Promise<ExitCode> {
  if (options.records !== undefined && (name !== undefined || options.verify)) {
    throw new WalscopeError('usage.layers', '--records goes without a layer and without --verify', { exitCode: ExitCode.usage, hint: 'choose one' });
  }
  const session = openSession(options);
  const output = new DataOutput(options.output);
  if (options.verify) {
    const results = verifyLayers(session, name === undefined ? undefined : findLayer(session, name));
    for (const result of results) output.write(`${result.name}: ${result.findings.length === 0 ? 'ok' : 'damaged'}\n`);
    output.end();
    const findings = results.flatMap((result) => result.findings);
    reportFindings(findings, 'damaged');
    return findings.length > 0 ? ExitCode.input : ExitCode.done;
  }
  const lines = options.records !== undefined ? rangeLines(session, options.records) : name !== undefined ? dumpLayer(session, findLayer(session, name)) : undefined;
  if (lines) {
    for (const line of lines) {
      output.line(line);
      if (output.isClosed) break;
    }
  } else {
    showList(session, options, output);
  }
  output.end();
  return ExitCode.done;
}

type SessionOf = Parameters<typeof listLayers>[0];

function rangeLines(session: SessionOf, text: string): Generator<string> {
  const { from, to } = recordRange(session, text);
  return recordLines(session, from, to);
}

function showList(session: SessionOf, options: CommonOptions, output: DataOutput): void {
  const layers = listLayers(session);
  const sections = layers[0]?.sections.map((s) => s.section) ?? [];
  // sizes fit a JSON number
  const count = (name: string) => ({ name, typeName: 'int4' });
  const writer = openRows(options, [
    { name: 'file', typeName: 'text' }, { name: 'start_lsn', typeName: 'pg_lsn' }, { name: 'end_lsn', typeName: 'pg_lsn' }, count('records'), count('keys'), count('bytes'),
    ...sections.map((section) => count(`${section}_bytes`)),
  ], output, 'layers');
  for (const { entry, sections: parts } of layers) {
    writer.row([entry.name, formatLsn(entry.startLsn), formatLsn(entry.endLsn), String(entry.records), String(entry.keys), String(entry.bytes), ...parts.map((part) => String(part.bytes))]);
  }
  writer.end();
}
