/** Key presses by name: `up`, `ctrl-d`, `enter`, `mouse:64,10,5` (button, column, row), or the character itself. */
import type { Key } from './ink.js';

const NAMED: readonly (readonly [keyof Key, string])[] = [
  ['upArrow', 'up'], ['downArrow', 'down'], ['leftArrow', 'left'], ['rightArrow', 'right'], ['pageUp', 'pageup'], ['pageDown', 'pagedown'],
  ['home', 'home'], ['end', 'end'], ['return', 'enter'], ['escape', 'esc'], ['tab', 'tab'], ['backspace', 'backspace'], ['delete', 'backspace'],
];
const CONTROLS: Record<string, string> = { '\r': 'enter', '\n': 'enter', '\t': 'tab', '\u007f': 'backspace', '\b': 'backspace' };
/** xterm's SGR mouse reports; releases end in m. */
const MOUSE = /^\[<(\d+);(\d+);(\d+)([Mm])$/;

/** Names of the keys in one input event: keys that were typed fast, or pasted, come together. */
export function keyNames(input: string, key: Key): string[] {
  const mouse = MOUSE.exec(input);
  if (mouse) return mouse[4] === 'M' ? [`mouse:${mouse[1]},${mouse[2]},${mouse[3]}`] : [];
  for (const [flag, name] of NAMED) if (key[flag]) return [name];
  if (key.ctrl) return [`ctrl-${input}`];
  return [...input].map((c) => CONTROLS[c] ?? (c < ' ' ? `ctrl-${String.fromCharCode(c.charCodeAt(0) + 0x60)}` : c));
}
