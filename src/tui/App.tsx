/** The components: each draws its part of the screen's state in whole lines. */
import path from 'node:path';
import { Box, Text, useInput, useStdout } from 'ink';
import { useEffect, useSyncExternalStore, type ReactNode } from 'react';
import { formatLsn } from '../util/lsn.js';
import { formatTimestamptz } from '../util/pgTime.js';
import type { Style } from '../output/colour.js';
import type { Change } from '../query/diff.js';
import { changeInput, layOut, type Grid, type GridInput } from './grid.js';
import { HELP_LINES } from './help.js';
import { keyNames } from './keys.js';
import type { Paint } from './paint.js';
import type { Screen, Size } from './screen.js';
import { fit } from './text.js';
import { timelineLines } from './timeline.js';

const CHANGE_STYLES: Record<Change, Style> = { added: 'green', changed: 'yellow', removed: 'red' };

interface PartProps {
  screen: Screen;
  paint: Paint;
  width: number;
}

export function App({ screen, paint }: { screen: Screen; paint: Paint }): ReactNode {
  useSyncExternalStore(screen.subscribe, screen.getVersion);
  const { stdout } = useStdout();
  useEffect(() => {
    const sizeNow = (): Size => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 });
    const onResize = (): void => screen.resize(sizeNow());
    screen.start(sizeNow());
    stdout.on('resize', onResize);
    return () => void stdout.off('resize', onResize);
  }, [screen, stdout]);
  useInput((input, key) => {
    for (const name of keyNames(input, key)) screen.press(name);
  });
  const width = screen.size.columns;
  const left = Math.min(28, Math.max(16, Math.floor(width / 4)));
  return (
    <Box flexDirection="column" width={width}>
      <Header screen={screen} paint={paint} width={width} />
      <Box>
        <TablesPane screen={screen} paint={paint} width={left} />
        <MainPane screen={screen} paint={paint} width={width - left - 1} />
      </Box>
      <Timeline screen={screen} paint={paint} width={width} />
      <Message screen={screen} paint={paint} width={width} />
      <Footer screen={screen} paint={paint} width={width} />
    </Box>
  );
}

/** One line of the terminal; never wrapped. */
function Line({ children }: { children: string }): ReactNode {
  return <Text wrap="truncate">{children}</Text>;
}

function Lines({ lines }: { lines: readonly string[] }): ReactNode {
  return <Box flexDirection="column">{lines.map((line, i) => <Line key={i}>{line}</Line>)}</Box>;
}

function Header({ screen, paint, width }: PartProps): ReactNode {
  const { model, markA, markB } = screen;
  const { moment } = model;
  const time = moment.time === null ? 'unknown time' : formatTimestamptz(moment.time, moment.zone);
  const name = path.basename(model.caseDir);
  const marks = [markA && `A ${formatLsn(markA.lsn)}`, markB && `B ${formatLsn(markB.lsn)}`].filter((mark) => mark !== undefined).join(' · ');
  const where = `as of ${time} · LSN ${formatLsn(moment.lsn)} · timeline ${moment.timeline}`;
  const about = ` walscope · ${name} · ${model.databaseName} · covers ${formatLsn(model.firstLsn)} to ${formatLsn(model.lastLsn)}${marks ? ` · ${marks}` : ''}`;
  return <Lines lines={[paint(fit(about, width), 'inverse'), paint(fit(` ${where}`, width), 'bold')]} />;
}

function TablesPane({ screen, paint, width }: PartProps): ReactNode {
  const { tables, tablesTop, selected, bodyHeight, focus } = screen;
  const schemas = new Set(tables.map((entry) => entry.schema));
  const lines = [paint(fit(` tables (${tables.length})`, width), focus === 'tables' ? 'inverse' : 'bold')];
  for (let i = tablesTop; i < tablesTop + bodyHeight + 1; i++) {
    const entry = tables[i];
    if (!entry || i >= tablesTop + bodyHeight) {
      lines.push(' '.repeat(width));
      continue;
    }
    const glyph = entry.fate === 'dropped later' ? '✗' : entry.fate === 'created later' ? '…' : ' ';
    const label = schemas.size > 1 ? `${entry.schema}.${entry.name}` : entry.name;
    const text = fit(`${i === selected ? '›' : ' '}${glyph} ${label}`, width);
    const styles: Style[] = i === selected ? [focus === 'tables' ? 'inverse' : 'bold'] : [];
    if (entry.fate === 'dropped later') styles.push('red');
    if (entry.fate === 'created later' || entry.type === 'sequence') styles.push('dim');
    lines.push(paint(text, ...styles));
  }
  return <Lines lines={lines} />;
}

function MainPane({ screen, paint, width }: PartProps): ReactNode {
  const height = screen.bodyHeight;
  const body = mainLines(screen, paint, width);
  const title = paint(fit(` ${mainTitle(screen)}`, width), screen.focus === 'main' ? 'inverse' : 'bold');
  const lines = [title, ...body.slice(0, height + 1)];
  while (lines.length < height + 2) lines.push('');
  return <Lines lines={lines.map((line) => `│${line}`)} />;
}

function mainTitle(screen: Screen): string {
  const { view, table, entry, filter, changes } = screen;
  const name = table?.name ?? entry?.name ?? '';
  if (view === 'help') return 'keys';
  if (view === 'schema') return `${name}: columns and indexes`;
  if (view === 'diff') return `${changes!.name || name}: what changed from A${screen.markB ? ' to B' : ' to this moment'} (${changes!.changes.length})`;
  const place = screen.currentRow ? ` · row (${screen.currentRow.block},${screen.currentRow.offnum})` : '';
  const kind = entry && entry.type !== 'table' ? `${entry.type} ` : '';
  return `${kind}${name}${table ? ` · ${table.pages} pages` : ''}${place}${filter === undefined ? '' : ` · where ${filter}`}`;
}

function mainLines(screen: Screen, paint: Paint, width: number): string[] {
  if (screen.view === 'help') return HELP_LINES.map((line) => fit(` ${line}`, width));
  if (screen.view === 'schema') return screen.lines.slice(screen.top).map((line) => fit(` ${line}`, width));
  if (screen.view === 'record') return recordLines(screen, paint, width);
  if (screen.view === 'diff') {
    const changes = screen.changes!.changes.slice(screen.top, screen.top + screen.bodyHeight);
    if (changes.length === 0) return ['', fit(' nothing changed between the two moments', width)];
    return gridLines(layOut(screen.columns, changes.map(changeInput), screen.firstColumn, width), paint, width, -1, true);
  }
  if (screen.tables.length === 0 || (screen.isBusy && screen.rows.length === 0)) return [];
  if (!screen.table) return ['', fit(screen.entry?.fate === 'created later' ? ' not there at this moment' : ' no rows to show', width)];
  const inputs = screen.rows.map((row): GridInput => ({
    values: row.values, change: screen.touched.size > 0 ? screen.touched.get(JSON.stringify(row.values)) : undefined,
  }));
  const lines = gridLines(layOut(screen.columns, inputs, screen.firstColumn, width), paint, width, screen.cursor, screen.focus === 'main');
  return inputs.length === 0 ? [...lines, fit(screen.filter === undefined ? ' (0 rows)' : ' (no row matches the filter)', width)] : lines;
}

function gridLines(grid: Grid, paint: Paint, width: number, cursor: number, focused: boolean): string[] {
  const heading = `  ${grid.heading.map((cell) => cell.text).join('│')}${grid.hasMore ? '│›' : ''}`;
  const lines = [paint(heading.slice(0, width), 'bold')];
  grid.lines.forEach((line, i) => {
    const cells = line.cells.map((cell) => (cell.isNull ? paint(cell.text, 'dim') : cell.text)).join('│');
    const text = `${i === cursor ? '›' : ' '}${line.gutter}${cells}`;
    const styles: Style[] = line.change ? [CHANGE_STYLES[line.change]] : [];
    if (i === cursor && focused) styles.push('inverse');
    lines.push(paint(text, ...styles));
  });
  return lines;
}

function recordLines(screen: Screen, paint: Paint, width: number): string[] {
  const row = screen.currentRow;
  if (!row) return [];
  const names = Math.min(24, Math.max(...screen.columns.map((column) => column.name.length), 3));
  return screen.columns.map((column, i) => {
    const value = row.values[i] ?? null;
    const text = fit(value ?? '∅', width - names - 4);
    return ` ${paint(fit(column.name, names), 'bold')} │ ${value === null ? paint(text, 'dim') : text}`;
  }).slice(screen.top);
}

function Timeline({ screen, paint, width }: PartProps): ReactNode {
  const [bars, axis] = timelineLines(screen.activity, { moment: screen.model.moment, a: screen.markA, b: screen.markB }, width);
  return <Lines lines={[paint(bars, 'green'), axis.replace('▲', (glyph) => paint(glyph, 'bold', 'yellow'))]} />;
}

function Message({ screen, paint, width }: PartProps): ReactNode {
  if (screen.prompt) {
    const { label, text } = screen.prompt;
    const room = Math.max(8, width - label.length - 2);
    const shown = [...text].slice(-(room - 1)).join('');
    return <Line>{`${paint(label, 'bold')}${fit(`${shown}_`, room)}`}</Line>;
  }
  if (screen.isBusy) return <Line>{fit('reading… (Esc stops it)', width)}</Line>;
  return <Line>{screen.isError ? paint(fit(`! ${screen.message}`, width), 'red', 'bold') : fit(screen.message, width)}</Line>;
}

function Footer({ screen, paint, width }: PartProps): ReactNode {
  return <Line>{paint(fit(footerText(screen), width), 'dim')}</Line>;
}

function footerText(screen: Screen): string {
  if (screen.prompt) return ' Enter go · Esc cancel · ctrl-u clear';
  if (screen.focus === 'tables') return ' ? help  q quit │ jk table  Enter rows  t time  [ ] commit  s schema  m mark  d diff';
  if (screen.view === 'rows') return ' ? help  q quit │ [ ] commit  t time  / filter  x expand  hl columns  m mark  d diff';
  return ' ? help  Esc back │ jk gG scroll  hl columns  [ ] commit  t time  c command line';
}
