/** A page: its header, line pointers and bytes, after each record of its chain, with the bytes that the record changed. */
import { formatLsn } from '../../util/lsn.js';
import type { PageInfo, PageState } from '../protocol.js';
import type { Paint } from '../paint.js';
import type { Screen } from '../screen.js';
import { fit } from '../text.js';
import type { Style } from '../../output/colour.js';
import { distance, scrolled, target, type Area, type View } from './view.js';

const BYTES_A_LINE = 16;
const PAGE_LINES = 8192 / BYTES_A_LINE;
/** `1fe0  ` and the text beside: what a line of the dump takes. */
const DUMP_WIDTH = 6 + BYTES_A_LINE * 3 + 1 + BYTES_A_LINE;
const SIDE_BY_SIDE_WIDTH = DUMP_WIDTH + 44;
const HEADER_BYTES = 24, LINE_POINTER_BYTES = 4;

export class PageView implements View {
  readonly isWide = true;
  private item = 0;
  private itemsTop = 0;
  private dumpTop = 0;
  private focus: 'items' | 'bytes' = 'items';
  private itemsHeight = 5;
  private dumpHeight = 5;

  private constructor(private readonly screen: Screen, private info: PageInfo, private readonly oid: number, private records: number, private state: PageState, offnum: number | undefined) {
    this.item = Math.max(0, state.items.findIndex((item) => item.offnum === offnum));
    this.showItem();
  }

  static async open(screen: Screen, oid: number, block: number, offnum: number | undefined): Promise<void> {
    const info = await screen.ask('pages.open', screen.scene!.moment.lsn, screen.scene!.database, oid, block);
    const records = info.records.length;
    screen.open(new PageView(screen, info, oid, records, (await screen.ask('pages.stateAfter', info.handle, records))!, offnum));
  }

  title(): string {
    const { name, block, blocks, kind, records } = this.info;
    return `${name} ${kind} page ${block} of ${blocks} · after record ${this.records} of ${records.length}`;
  }

  hints(): string { return '[ ] record  jk item  Tab bytes  < > page  y copy the record'; }
  command(): string { return `page ${this.screen.tableWord()} ${this.info.block} ${this.screen.atOption()}`; }
  value(): string | undefined { return this.info.records[this.records - 1]?.line; }

  private get recordLines(): string[] {
    const record = this.info.records[this.records - 1];
    if (!record) return [` ${this.info.start}: no record yet`];
    const bytes = this.state.changes.reduce((sum, change) => sum + change.length, 0);
    const wheres = [...new Set(this.state.changes.map((change) => change.where.replace(/ \+ \d+$/, '')))];
    return [` ${formatLsn(record.lsn)} ${/rmgr: *(\S+)/.exec(record.line)?.[1] ?? ''} ${/desc: ([^,]*)/.exec(record.line)?.[1] ?? ''}`, ` changed ${bytes} byte${bytes === 1 ? '' : 's'}: ${wheres.join(', ')}`];
  }

  draw(area: Area): string[] {
    const { width, height, paint } = area;
    const heading = [paint(fit(` ${this.state.header}`, width), 'dim'), ...this.recordLines.map((line) => paint(fit(line, width), 'yellow'))];
    for (const problem of this.state.problems.slice(0, 1)) heading.push(paint(fit(` problem: ${problem}`, width), 'red'));
    const left = Math.max(4, height - heading.length);
    if (width >= SIDE_BY_SIDE_WIDTH) {
      const itemsWidth = width - DUMP_WIDTH - 3;
      const items = this.items(itemsWidth, left, area), dump = this.dump(left, paint);
      return [...heading, ...Array.from({ length: left }, (_, i) => `${items[i] ?? ' '.repeat(itemsWidth)} │ ${dump[i] ?? ''}`)];
    }
    const itemsHeight = Math.max(3, Math.floor((left - 1) * 0.4));
    return [...heading, ...this.items(width, itemsHeight, area), paint('─'.repeat(width), 'dim'), ...this.dump(left - itemsHeight - 1, paint)];
  }

  private items(width: number, height: number, { paint, isFocused }: Area): string[] {
    this.itemsHeight = height;
    this.itemsTop = scrolled(this.itemsTop, this.item, height);
    const lines = this.state.items.slice(this.itemsTop, this.itemsTop + height).map((item, i) => {
      const isCurrent = this.itemsTop + i === this.item;
      const changed = this.isChanged(item.off, item.len) || this.isChanged(HEADER_BYTES + (item.offnum - 1) * LINE_POINTER_BYTES, LINE_POINTER_BYTES);
      const styles: Style[] = [...(changed ? ['yellow' as const] : []), ...(isCurrent && isFocused && this.focus === 'items' ? ['inverse' as const] : isCurrent ? ['bold' as const] : [])];
      return paint(fit(`${isCurrent ? '›' : ' '}${changed ? '*' : ' '}${String(item.offnum).padStart(3)} ${hex(item.off, 4)}+${String(item.len).padEnd(4)} ${item.text}`, width), ...styles);
    });
    if (lines.length === 0) lines.push(paint(fit(' no items', width), 'dim'));
    while (lines.length < height) lines.push(' '.repeat(width));
    return lines;
  }

  private isChanged(offset: number, length: number): boolean {
    return length > 0 && this.state.changes.some((change) => change.offset < offset + length && offset < change.offset + change.length);
  }

  private dump(height: number, paint: Paint): string[] {
    this.dumpHeight = height;
    this.dumpTop = Math.max(0, Math.min(this.dumpTop, PAGE_LINES - height));
    const item = this.state.items[this.item];
    return Array.from({ length: height }, (_, i) => this.dumpLine((this.dumpTop + i) * BYTES_A_LINE, item, paint));
  }

  /** Sixteen bytes; the item under the cursor inverse, bytes that the record changed bold and underlined, and `*` before their line. */
  private dumpLine(at: number, item: { off: number; len: number } | undefined, paint: Paint): string {
    const isOfItem = (byte: number): boolean => item !== undefined && byte >= item.off && byte < item.off + item.len;
    let bytes = '', text = '';
    for (let byte = at; byte < at + BYTES_A_LINE; byte++) {
      const value = this.state.bytes[byte]!;
      const styles: Style[] = [];
      if (this.isChanged(byte, 1)) styles.push('bold', 'underline', 'yellow');
      if (isOfItem(byte)) styles.push('inverse');
      else if (value === 0 && styles.length === 0) styles.push('dim');
      bytes += `${paint(hex(value, 2), ...styles)}${isOfItem(byte) && isOfItem(byte + 1) && byte + 1 < at + BYTES_A_LINE ? paint(' ', 'inverse') : ' '}`;
      text += paint(value >= 0x20 && value < 0x7f ? String.fromCharCode(value) : '.', ...styles);
    }
    return `${this.isChanged(at, BYTES_A_LINE) ? paint('*', 'bold', 'yellow') : ' '}${paint(hex(at, 4), 'dim')} ${bytes} ${text}`;
  }

  /** Brings the item's bytes into view. */
  private showItem(): void {
    const item = this.state.items[this.item];
    if (item && item.len > 0) this.dumpTop = Math.floor(item.off / BYTES_A_LINE) - 1;
  }

  async press(key: string): Promise<boolean> {
    if (key === '[' || key === ']') await this.stepRecord(key === '[' ? -1 : 1);
    else if (key === 'tab') this.focus = this.focus === 'items' ? 'bytes' : 'items';
    else if (key === '<' || key === '>') await this.otherPage(key === '<' ? -1 : 1);
    else if (this.focus === 'bytes' || key.startsWith('wheel')) return this.scrollBytes(key);
    else {
      const to = target(key, this.item, this.state.items.length, this.itemsHeight);
      if (to === undefined) return false;
      this.item = to;
      this.showItem();
    }
    return true;
  }

  private scrollBytes(key: string): boolean {
    const by = distance(key, this.dumpHeight);
    if (key === 'g') this.dumpTop = 0;
    else if (key === 'G') this.dumpTop = PAGE_LINES;
    else if (by === 0) return false;
    else this.dumpTop = Math.max(0, this.dumpTop + by);
    return true;
  }

  private async stepRecord(by: number): Promise<void> {
    const records = this.records + by;
    const state = records < 0 || records > this.info.records.length ? undefined : await this.screen.ask('pages.stateAfter', this.info.handle, records);
    if (!state) return this.screen.say(by < 0 ? `the chain begins here: ${this.info.start}` : 'the moment is here: no later record made this page');
    this.records = records;
    this.state = state;
    // the item that the record touched, where it touched one
    const touched = state.items.findIndex((item) => this.isChanged(item.off, item.len));
    this.item = touched >= 0 ? touched : Math.min(this.item, Math.max(0, state.items.length - 1));
    if (touched >= 0) this.showItem();
    else if (state.changes.length > 0) this.dumpTop = Math.floor(state.changes[0]!.offset / BYTES_A_LINE) - 1;
  }

  private async otherPage(by: number): Promise<void> {
    const block = this.info.block + by;
    if (block < 0 || block >= this.info.blocks) return this.screen.say(`there is no page ${block}`);
    await this.load(block);
  }

  private async load(block: number): Promise<void> {
    const { scene } = this.screen;
    const info = await this.screen.ask('pages.open', scene!.moment.lsn, scene!.database, this.oid, block);
    this.state = (await this.screen.ask('pages.stateAfter', info.handle, info.records.length))!;
    this.info = info;
    this.records = info.records.length;
    this.item = 0;
    this.dumpTop = 0;
  }

  async sceneChanged(): Promise<void> {
    await this.load(this.info.block);
  }
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
