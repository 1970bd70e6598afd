import { describe, expect, it } from 'vitest';
import { diffWriter } from '../../src/output/diffText.js';
import { FORMATS, rowWriter } from '../../src/output/rowWriter.js';
import { writeSchema } from '../../src/output/schemaText.js';

/** Clears the screen, rings, sets the title, turns the writing direction: what data must not do to a terminal. */
const HOSTILE = 'a\u001b[2Jb\u0007c\u001b]0;x\u0007d\u009be\u202ef\u007fg';
// eslint-disable-next-line no-control-regex -- what must not come through
const HARMFUL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/;

describe('text from data', () => {
  const columns = [{ name: HOSTILE, typeName: 'text' }, { name: 'b', typeName: 'jsonb' }];
  const write = (format: (typeof FORMATS)[number], forTerminal: boolean): string => {
    let text = '';
    const writer = rowWriter(format, columns, (piece) => (text += piece), { target: 't', forTerminal, title: HOSTILE });
    writer.row([HOSTILE, `"${HOSTILE}"`]);
    writer.end();
    return text;
  };

  it.each(FORMATS)('does not drive the terminal in %s', (format) => {
    expect(write(format, true)).not.toMatch(HARMFUL);
    expect(write(format, true)).toContain(format.startsWith('json') ? 'u001b' : '\\x1B[2J');
  });

  it.each(FORMATS.filter((format) => !format.startsWith('json')))('is left as it is where no person reads %s', (format) => {
    expect(write(format, false)).toContain(HOSTILE);
  });

  it.each(FORMATS)('does not drive the terminal in differences as %s', (format) => {
    let text = '';
    const writer = diffWriter(format, (piece) => (text += piece), { forTerminal: true, colour: false });
    writer.begin({ table: HOSTILE, columns, key: [], note: '' });
    writer.change('changed', [HOSTILE, '1'], [HOSTILE, '2']);
    writer.end();
    writer.finish();
    expect(text).not.toMatch(HARMFUL);
  });

  it('does not drive the terminal in definitions', () => {
    let text = '';
    writeSchema({
      title: HOSTILE, columns: [{ name: HOSTILE, type: HOSTILE, collation: null, notNull: true, default: HOSTILE, storage: 'plain', comment: HOSTILE }],
      sections: [{ heading: 'Indexes', lines: [HOSTILE] }], remarks: [HOSTILE],
    }, true, (piece) => (text += piece));
    expect(text).not.toMatch(HARMFUL);
  });
});
