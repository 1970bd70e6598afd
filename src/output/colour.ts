/** Colour, where the reader can see it: --color, NO_COLOR and TERM=dumb decide. */

export const COLOUR_CHOICES = ['auto', 'always', 'never'] as const;
export type ColourChoice = (typeof COLOUR_CHOICES)[number];

/** True where text for a stream may be coloured; `isTerminal`: the stream is one. */
export function colourWanted(choice: ColourChoice, isTerminal: boolean, env: NodeJS.ProcessEnv = process.env): boolean {
  if (choice !== 'auto') return choice === 'always';
  return isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

const ESC = '\u001b[';
export type Style = 'red' | 'green' | 'yellow' | 'cyan' | 'bold' | 'dim' | 'underline' | 'inverse';
const CODES: Record<Style, [number, number]> = { red: [31, 39], green: [32, 39], yellow: [33, 39], cyan: [36, 39], bold: [1, 22], dim: [2, 22], underline: [4, 24], inverse: [7, 27] };

/** Text in a style; nested styles keep their own ends. */
export function styled(text: string, ...styles: Style[]): string {
  return styles.reduce((inner, style) => `${ESC}${CODES[style][0]}m${inner}${ESC}${CODES[style][1]}m`, text);
}
