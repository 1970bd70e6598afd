/** Key presses by name: `up`, `ctrl-d`, `enter`, `mouse:64,10,5` (button, column, row), `paste:TEXT`, or the character itself. */
import type { Key } from './ink.js';

const NAMED: readonly (readonly [keyof Key, string])[] = [
  ['upArrow', 'up'], ['downArrow', 'down'], ['leftArrow', 'left'], ['rightArrow', 'right'], ['pageUp', 'pageup'], ['pageDown', 'pagedown'],
  ['home', 'home'], ['end', 'end'], ['return', 'enter'], ['escape', 'esc'], ['tab', 'tab'], ['backspace', 'backspace'], ['delete', 'backspace'],
];
const CONTROLS: Record<string, string> = { '\r': 'enter', '\n': 'enter', '\t': 'tab', '\u007f': 'backspace', '\b': 'backspace' };
/** xterm's SGR mouse reports; releases end in m. */
const MOUSE = /^\[<(\d+);(\d+);(\d+)([Mm])$/;
/** What is left of an escape sequence that nobody knows. */
const UNKNOWN = /^\[[?<>=]?\d+(;\d+)*[~A-Za-z]$/;
const PASTE_BEGINS = '[200~', PASTE_ENDS = '[201~';

/** Takes input events apart. What a terminal marks as pasted is one key, so that its line ends and letters are no commands. */
export class KeyReader {
  private pasted: string | undefined;

  /** Names of the keys in one input event: keys that were typed fast come together. */
  names(input: string, key: Key): string[] {
    if (input === PASTE_BEGINS) this.pasted = '';
    else if (input === PASTE_ENDS && this.pasted !== undefined) {
      const text = this.pasted;
      this.pasted = undefined;
      return [`paste:${text}`];
    } else if (this.pasted === undefined) return keyNames(input, key);
    else this.pasted += key.return ? '\n' : key.tab ? '\t' : input;
    return [];
  }
}

function keyNames(input: string, key: Key): string[] {
  const mouse = MOUSE.exec(input);
  if (mouse) return mouse[4] === 'M' ? [`mouse:${mouse[1]},${mouse[2]},${mouse[3]}`] : [];
  for (const [flag, name] of NAMED) if (key[flag]) return [name];
  if (UNKNOWN.test(input)) return [];
  if (key.ctrl) return [`ctrl-${input}`];
  if (key.meta) return ['esc', input]; // over a slow line an Esc and the next key come together
  return [...input].map((c) => CONTROLS[c] ?? (c < ' ' ? `ctrl-${String.fromCharCode(c.charCodeAt(0) + 0x60)}` : c));
}
