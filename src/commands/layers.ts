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
  const sections = [...new Set(layers.flatMap((layer) => layer.sections.map(({ section }) => section)))];
  // sizes fit a JSON number
  const count = (name: string) => ({ name, typeName: 'int4' });
  const writer = openRows(options, [
    { name: 'file', typeName: 'text' }, { name: 'start_lsn', typeName: 'pg_lsn' }, { name: 'end_lsn', typeName: 'pg_lsn' }, count('records'), count('keys'), count('bytes'),
    ...sections.map((section) => count(`${section}_bytes`)),
  ], output, 'layers');
  for (const layer of layers) {
    const bytesOf = (section: string): number => layer.sections.find((part) => part.section === section)?.bytes ?? 0;
    writer.row([layer.name, formatLsn(layer.startLsn), formatLsn(layer.endLsn), String(layer.records), String(layer.keys), String(layer.bytes), ...sections.map((section) => String(bytesOf(section)))]);
  }
  for (const { name, startLsn, endLsn, bytes } of session.store.manifest.packs) {
    writer.row([name, formatLsn(startLsn), formatLsn(endLsn), null, null, String(bytes), ...sections.map(() => null)]);
  }
  writer.end();
}
