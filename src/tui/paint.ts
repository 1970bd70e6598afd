/** Styles on the screen: colours only where they are wanted, so that nothing is told by colour alone. */
import { styled, type Style } from '../output/colour.js';

export type Paint = (text: string, ...styles: Style[]) => string;

const ATTRIBUTES: ReadonlySet<Style> = new Set<Style>(['bold', 'dim', 'underline', 'inverse']);

/** `colour`: all styles; else bold, dim, underline and inverse alone, which NO_COLOR leaves. */
export function painter(colour: boolean): Paint {
  return (text, ...styles) => styled(text, ...styles.filter((style) => colour || ATTRIBUTES.has(style)));
}
