/** Cells of a fixed width: whatever the data holds, the terminal gets so many columns and no control. */
import { describe, expect, it } from 'vitest';
import { displayWidth, escapeForTerminal } from '../../src/output/terminalText.js';
import { shellQuote } from '../../src/util/shell.js';
import { chooseColumns, firstFor, growWidths } from '../../src/tui/grid.js';
import { KeyReader } from '../../src/tui/keys.js';
import { painter } from '../../src/tui/paint.js';
import { FrameStream } from '../../src/tui/frameStream.js';
import { fit, wrap } from '../../src/tui/text.js';

describe('fit', () => {
  it.each(['plain', 'a\u001b[2Jb', 'line\nline', '日本語のテキスト', 'e\u0301e\u0301e\u0301', '👩‍👩‍👧‍👧👍🏽', '\u202eright to left', 'x'.repeat(100_000), ''])('gives exactly the width for %j', (text) => {
    for (const width of [1, 3, 8, 40]) {
      const cell = fit(text, width);
      expect(displayWidth(cell)).toBe(width);
      // eslint-disable-next-line no-control-regex -- that there is none is the point
      expect(cell).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
    }
  });

  it('aligns numbers to the right', () => {
    expect(fit('42', 5, true)).toBe('   42');
  });
});

describe('a grid', () => {
  const columns = ['id', 'a', 'b', 'c'].map((name) => ({ name, typeName: 'text', isKey: name === 'id' }));
  const widths = growWidths([], columns, [{ values: ['1', 'x'.repeat(30), null, 'last'] }]);
  const names = (first: number, width: number): string[] => chooseColumns(columns, widths, first, width).shown.map((column) => columns[column.at]!.name);

  it('keeps the key while it scrolls', () => {
    expect(names(2, 40)).toEqual(['id', 'b', 'c']);
    expect(names(0, 30)).toEqual(['id', 'a']);
    expect(chooseColumns(columns, widths, 0, 30).hasMore).toBe(true);
  });

  it('scrolls no further than a column needs', () => {
    expect(firstFor(columns, widths, 3, 0, 80)).toBe(0);
    expect(names(firstFor(columns, widths, 3, 0, 30), 30)).toContain('c');
    expect(firstFor(columns, widths, 1, 3, 30)).toBe(1);
  });

  it('does not become narrower when long values scroll away', () => {
    expect(growWidths(widths, columns, [{ values: ['1', 'x', 'y', 'z'] }])).toEqual(widths);
  });
});

describe('keys and words', () => {
  const read = (...inputs: string[]): string[] => {
    const keys = new KeyReader();
    return inputs.flatMap((input) => keys.names(input, {} as Parameters<KeyReader['names']>[1]));
  };

  it('takes apart keys that came together', () => {
    expect(read('jj\r\u0003\u0004')).toEqual(['j', 'j', 'enter', 'ctrl-c', 'ctrl-d']);
  });

  it('reads the mouse, and nothing where a button is let go', () => {
    expect(read('[<64;10;5M')).toEqual(['mouse:64,10,5']);
    expect(read('[<0;10;5m')).toEqual([]);
  });

  it('takes an Esc and the key after it as two', () => {
    expect(new KeyReader().names('q', { meta: true } as Parameters<KeyReader['names']>[1])).toEqual(['esc', 'q']);
  });

  it('takes what is pasted as one, and sequences that it does not know as none', () => {
    expect(read('[200~', 'id = 1\nq', '', '[201~', 'j')).toEqual(['paste:id = 1\nq', 'j']);
    expect(read('[1;5P', '[25~', '[')).toEqual(['[']);
  });

  it('quotes for a shell', () => {
    expect(shellQuote("it's")).toBe("'it'\\''s'");
    expect(shellQuote('/tmp/case')).toBe('/tmp/case');
  });

  it('leaves colours out where they are not wanted', () => {
    expect(painter(false)('text', 'red')).toBe('text');
    expect(painter(true)('text', 'red')).not.toBe('text');
  });
});

describe('what goes to the terminal', () => {
  const shown = (...frames: string[]): string => {
    let written = '';
    const stream = new FrameStream({ columns: 40, rows: 3, write: (text) => (written += text), on: () => undefined, off: () => undefined });
    written = '';
    for (const frame of frames) stream.write(frame);
    return written;
  };

  it('is the lines that differ', () => {
    expect(shown('a\nb', 'a\nc')).toBe('\u001b[1;1Ha\u001b[K\u001b[2;1Hb\u001b[K\u001b[2;1Hc\u001b[K');
  });

  it('puts the cursor behind a text whose width terminals do not agree on', () => {
    expect(shown('id│👩‍👩‍👧  │é│x')).toBe('\u001b[1;1H\u001b[2Kid│👩‍👩‍👧  \u001b[8G│é│x\u001b[K');
    expect(shown('\u001b[1m日本\u001b[22m│x')).toBe('\u001b[1;1H\u001b[2K\u001b[1m日本\u001b[5G\u001b[22m│x\u001b[K');
  });
});

describe('wrap', () => {
  it.each(['plain words that go on', '日本語のテキスト', 'a\u001bb', 'x'.repeat(100), '👩‍👩‍👧‍👧👍🏽'.repeat(9), 'one\ntwo'])('breaks %j into lines that fit and lose nothing', (text) => {
    for (const width of [0, 1, 4, 7, 40]) {
      const lines = wrap(text, width);
      for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(Math.max(width, 2));
      expect(lines.join('')).toBe(escapeForTerminal(text.replaceAll('\n', '')));
    }
  });

  it('breaks between words where asked', () => {
    expect(wrap('one two three', 8, true)).toEqual(['one two', 'three']);
    expect(wrap('one twoandthree', 8, true)).toEqual(['one', 'twoandth', 'ree']);
  });
});
