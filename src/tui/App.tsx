/** The components: each draws its part of the screen's state in whole lines. */
import path from 'node:path';
import { Box, Text, useEffect, useInput, useRef, useStdout, useSyncExternalStore, type ReactNode } from './ink.js';
import { formatLsn } from '../util/lsn.js';
import { KeyReader } from './keys.js';
import type { Paint } from './paint.js';
import type { Screen, Size } from './screen.js';
import { fit, wrap } from './text.js';
import { timelineText } from './timeline.js';
import { displayWidth } from '../output/terminalText.js';
import { formatCount } from '../output/units.js';

interface PartProps {
  screen: Screen;
  paint: Paint;
  width: number;
}

/** Of a message at most. */
const MESSAGE_LINES = 6;

export function App({ screen, paint }: { screen: Screen; paint: Paint }): ReactNode {
  useSyncExternalStore(screen.subscribe, screen.getVersion);
  const { stdout } = useStdout();
  const keys = useRef(new KeyReader()).current;
  useEffect(() => {
    const sizeNow = (): Size => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 });
    const onResize = (): void => screen.resize(sizeNow());
    screen.start(sizeNow());
    stdout.on('resize', onResize);
    return () => void stdout.off('resize', onResize);
  }, [screen, stdout]);
  useInput((input, key) => {
    for (const name of keys.names(input, key)) screen.press(name);
  });
  const width = screen.size.columns;
  const message = messageLines(screen, paint, width);
  // a message of several lines takes the place of what is above it, for as long as it is shown
  const more = message.length - 1, fewerBars = Math.min(more, screen.timelineLines);
  return (
    <Box flexDirection="column" width={width}>
      <Header screen={screen} paint={paint} width={width} />
      <Panes screen={screen} paint={paint} width={width} hidden={more - fewerBars} />
      {fewerBars < screen.timelineLines && <Timeline screen={screen} paint={paint} width={width} hidden={fewerBars} />}
      <Lines lines={message} />
      <Footer screen={screen} paint={paint} width={width} />
    </Box>
  );
}

/** Lines that a message covers: the first of the timeline, the last of the panes. */
interface Covered {
  hidden: number;
}

/** Whole lines of the terminal; never wrapped. */
function Lines({ lines }: { lines: readonly string[] }): ReactNode {
  return <Text wrap="truncate">{lines.join('\n')}</Text>;
}

/** Two texts at the ends of a line; the right one goes first where there is no room. */
function ends(left: string, right: string, width: number): string {
  const room = width - displayWidth(right);
  return displayWidth(left) + 1 > room ? fit(left, width) : fit(left, room) + right;
}

function Header({ screen, paint, width }: PartProps): ReactNode {
  const { scene, caseInfo, markA, markB } = screen;
  const marks = [markA && `A ${formatLsn(markA.lsn)}`, markB && `B ${formatLsn(markB.lsn)}`].filter((mark) => mark !== undefined).join(' · ');
  const about = caseInfo ? ` walscope · ${path.basename(caseInfo.caseDir)} · ${scene?.database ?? ''}` : ' walscope';
  const covers = caseInfo ? `covers ${formatLsn(caseInfo.firstLsn)} to ${formatLsn(caseInfo.lastLsn)} ` : '';
  const moment = scene ? ` ${scene.moment.timeText} · LSN ${formatLsn(scene.moment.lsn)} · timeline ${scene.moment.timeline}` : '';
  return <Lines lines={[paint(ends(about, covers, width), 'inverse'), paint(ends(moment, marks === '' ? '' : `${marks} `, width), 'bold')]} />;
}

function Panes({ screen, paint, width, hidden }: PartProps & Covered): ReactNode {
  const left = screen.leftWidth;
  const height = screen.bodyHeight;
  const isMain = screen.focus === 'main' || screen.view.isWide;
  const mainWidth = left === 0 ? width : width - left - 1;
  const main = [paint(fit(` ${screen.view.title()}`, mainWidth), isMain ? 'inverse' : 'bold'), ...screen.view.draw({ width: mainWidth, height, paint, isFocused: isMain })].slice(0, height + 1);
  while (main.length < height + 1) main.push('');
  main.length -= hidden;
  if (left === 0) return <Lines lines={main} />;
  const tables = [paint(fit(` tables (${screen.pane.tables.length})`, left), isMain ? 'bold' : 'inverse'), ...screen.pane.draw({ width: left, height, paint, isFocused: !isMain })];
  return <Lines lines={main.map((line, i) => `${tables[i]}${paint('│', 'dim')}${line}`)} />;
}

function Timeline({ screen, paint, width, hidden }: PartProps & Covered): ReactNode {
  const { background, markA, markB, scene } = screen;
  const { bars, axis } = timelineText(background.activity, { moment: scene?.moment, a: markA, b: markB, incidents: background.incidents ?? [] }, width, screen.timelineLines - 1);
  const painted = axis.replace(/[▲!]|\b[AB]\b/g, (glyph) => (glyph === '▲' ? paint(glyph, 'bold', 'yellow') : glyph === '!' ? paint(glyph, 'bold', 'red') : paint(glyph, 'bold', 'cyan')));
  return <Lines lines={[...bars.map((line) => paint(line, 'green')), painted].slice(hidden)} />;
}

/** The line for what is to be told, or typed; more of them where a message needs them. */
function messageLines(screen: Screen, paint: Paint, width: number): string[] {
  if (screen.prompt) {
    const { label } = screen.prompt;
    const { before, under, after } = screen.prompt.shown(Math.max(8, width - displayWidth(label) - 1));
    return [`${paint(label, 'bold')}${before}${under === '' ? '█' : paint(under, 'inverse')}${after}`];
  }
  if (screen.isBusy) return [paint(fit(busyText(screen), width), 'cyan')];
  // what is copied may be long
  const all = wrap(screen.message.slice(0, MESSAGE_LINES * width * 8), width - 2, true);
  const lines = all.slice(0, MESSAGE_LINES);
  if (all.length > lines.length) lines[lines.length - 1] = `${lines.at(-1)!.slice(0, width - 4)} …`;
  return lines.map((line, i) => (screen.isError ? paint(fit(`${i === 0 ? '!' : ' '} ${line}`, width), 'red', 'bold') : fit(` ${line}`, width)));
}

function busyText({ progress }: Screen): string {
  if (!progress) return ' reading… · any key stops it';
  const numbers = progress.done === 0 && progress.total === 0 ? '' : ` ${formatCount(progress.done)}${progress.total > 0 ? ` of ${formatCount(progress.total)}` : ''}`;
  return ` ${progress.text}${numbers}… · any key stops it`;
}

function Footer({ screen, paint, width }: PartProps): ReactNode {
  const right = screen.prompt ? '' : screen.view === screen.rowsView ? '? help  q quit ' : '? help  q back ';
  return <Lines lines={[paint(ends(` ${footerText(screen)}`, right, width), 'dim')]} />;
}

function footerText(screen: Screen): string {
  if (screen.prompt) return `${screen.prompt.options.hint ? `${screen.prompt.options.hint} · ` : ''}Enter go  Esc cancel  ctrl-u clear  ↑ earlier${screen.prompt.options.complete ? '  Tab complete' : ''}`;
  if (screen.focus === 'tables' && !screen.view.isWide) return 'jk table  Enter rows  i incidents  L log  t time  s schema';
  return screen.view.hints();
}
