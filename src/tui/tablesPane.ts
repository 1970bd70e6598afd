/** The left pane: databases, schemas and tables as of the moment. */
import type { Scene, TableEntry } from './protocol.js';
import { fit } from './text.js';
import type { Style } from '../output/colour.js';
import { scrolled, target, type Area } from './views/view.js';

export type PaneLine = { kind: 'database'; name: string; isCurrent: boolean } | { kind: 'schema'; name: string } | { kind: 'table'; entry: TableEntry };

const FATE_GLYPHS: Record<TableEntry['fate'], string> = { stays: ' ', 'dropped later': '✗', 'created later': '…' };

export class TablesPane {
  private lines: PaneLine[] = [];
  private cursor = 0;
  private top = 0;
  private height = 10;

  /** The table chosen. */
  get entry(): TableEntry | undefined {
    const line = this.lines[this.cursor];
    return line?.kind === 'table' ? line.entry : undefined;
  }

  /** A database under the cursor that is not the one shown. */
  get otherDatabase(): string | undefined {
    const line = this.lines[this.cursor];
    return line?.kind === 'database' && !line.isCurrent ? line.name : undefined;
  }

  get tables(): TableEntry[] {
    return this.lines.flatMap((line) => (line.kind === 'table' ? [line.entry] : []));
  }

  /** Shows a scene. The table chosen stays chosen, even where it is not there at this moment. */
  show(scene: Scene): void {
    const kept = this.entry;
    const tables = [...scene.tables];
    if (kept && !tables.some((entry) => entry.oid === kept.oid)) tables.push({ ...kept, fate: 'created later' });
    const schemas = [...new Set(tables.map((entry) => entry.schema))];
    this.lines = [{ kind: 'database', name: scene.database, isCurrent: true }];
    for (const schema of schemas) {
      if (schemas.length > 1) this.lines.push({ kind: 'schema', name: schema });
      for (const entry of tables) if (entry.schema === schema) this.lines.push({ kind: 'table', entry });
    }
    for (const name of scene.databases) if (name !== scene.database) this.lines.push({ kind: 'database', name, isCurrent: false });
    const found = this.lines.findIndex((line) => line.kind === 'table' && line.entry.oid === kept?.oid);
    const first = this.lines.findIndex((line) => line.kind === 'table' && line.entry.type.endsWith('table') && line.entry.fate !== 'created later');
    this.cursor = Math.max(0, found >= 0 ? found : first);
  }

  /** Chooses a table; false where it is not listed. */
  choose(matches: (entry: TableEntry) => boolean): boolean {
    const found = this.lines.findIndex((line) => line.kind === 'table' && matches(line.entry));
    if (found >= 0) this.cursor = found;
    return found >= 0;
  }

  /** Moves the cursor; true where another table is chosen by it, undefined for a key that does not move. Names of schemas are passed over. */
  press(key: string): boolean | undefined {
    const to = target(key, this.cursor, this.lines.length, this.height);
    if (to === undefined || to === this.cursor) return to === undefined ? undefined : false;
    const step = to > this.cursor ? 1 : -1;
    const isStop = (i: number): boolean => this.lines[i] !== undefined && this.lines[i].kind !== 'schema';
    const stop = isStop(to) ? to : isStop(to + step) ? to + step : to - step;
    const before = this.cursor;
    this.cursor = isStop(stop) ? stop : before;
    return this.cursor !== before;
  }

  /** The line shown at a row of the pane becomes the current one; true where it is another. */
  click(row: number): boolean {
    const at = this.top + row;
    const line = this.lines[at];
    if (!line || line.kind === 'schema' || at === this.cursor) return false;
    this.cursor = at;
    return true;
  }

  draw({ width, height, paint, isFocused }: Area): string[] {
    this.height = height;
    this.top = scrolled(this.top, this.cursor, height);
    const indent = this.lines.some((line) => line.kind === 'schema') ? '  ' : ' ';
    const drawn = this.lines.slice(this.top, this.top + height).map((line, i) => {
      const isCursor = this.top + i === this.cursor;
      const styles: Style[] = isCursor ? [isFocused ? 'inverse' : 'bold'] : [];
      if (line.kind === 'database') return paint(fit(`${isCursor ? '›' : ' '}${line.name}`, width), ...styles, line.isCurrent ? 'bold' : 'dim');
      if (line.kind === 'schema') return paint(fit(`  ${line.name}`, width), 'cyan');
      const { entry } = line;
      if (entry.fate === 'dropped later') styles.push('red');
      else if (entry.fate === 'created later' || entry.type === 'sequence') styles.push('dim');
      return paint(fit(`${isCursor ? '›' : ' '}${indent}${FATE_GLYPHS[entry.fate]} ${entry.name}`, width), ...styles);
    });
    while (drawn.length < height) drawn.push(' '.repeat(width));
    return drawn;
  }
}
