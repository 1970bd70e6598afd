/** What is marked of a changed value on a terminal. */
import { expect, it } from 'vitest';
import { diffWriter } from '../../src/output/diffText.js';

/** Both sides of a changed row, with what is marked in brackets and other colours left out. */
function marked(before: (string | null)[], after: (string | null)[]): string[] {
  let text = '';
  const writer = diffWriter('table', (piece) => (text += piece), { forTerminal: true, colour: true });
  writer.begin({ table: 't', columns: before.map((_, i) => ({ name: `c${i}`, typeName: 'text' })), key: [], note: '' });
  writer.change('changed', before, after);
  writer.end();
  // eslint-disable-next-line no-control-regex -- colours are what is looked for
  return text.replaceAll('\u001b[7m', '[').replaceAll('\u001b[27m', ']').replace(/\u001b\[\d+m/g, '').split('\n').filter((line) => line.includes('~')).map((line) => line.replace(/ +/g, ' ').trimEnd());
}

it('marks the words that differ, in either value', () => {
  expect(marked(['1', 'send to the old street 5'], ['1', 'send to the new and long street 5'])).toEqual([' ~- | 1 | send to the [old ]street 5', ' ~+ | 1 | send to the [new and long ]street 5']);
});

it('marks a value of one word, and one that comes or goes, as a whole', () => {
  expect(marked(['paid', null], ['sent', 'x y'])).toEqual([' ~- | [paid] |', ' ~+ | [sent] | [x y]']);
});

it('marks all of a value that lost words, or that is shown otherwise than it is', () => {
  expect(marked(['a b c', 'x\u0007 y'], ['a c', 'x\u0007 z'])).toEqual([' ~- | a [b ]c | [x\\x07 y]', ' ~+ | [a c] | [x\\x07 z]']);
});
