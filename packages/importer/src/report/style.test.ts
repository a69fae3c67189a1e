import { expect, it } from 'vitest';
import { STYLE } from './style.ts';

/** What text stands on what ground: the custom properties of the style. Edges and fills are not read. */
const INKS = ['ink', 'quiet', 'link', 'good', 'about', 'grey', 'bad', 'odd'];
const GROUNDS = ['ground', 'panel', 'lit', 'picked'];
/** WCAG 2.2, 1.4.3: text of ordinary size. */
const CONTRAST_LEAST = 4.5;

const [bright = '', dark = ''] = [...STYLE.matchAll(/:root \{([^}]*)\}/g)].map(([, inner]) => inner);

it.each([
  ['bright', bright],
  ['dark', dark],
])('can be read in a %s room', (_name, properties) => {
  const colours = new Map(
    [...properties.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map(([, name, colour]) => [name, colour ?? '']),
  );
  const faint = INKS.flatMap((ink) =>
    GROUNDS.flatMap((ground) => {
      const ratio = contrast(colours.get(ink) ?? '', colours.get(ground) ?? '');
      return ratio >= CONTRAST_LEAST ? [] : [`${ink} on ${ground}: ${ratio.toFixed(2)}`];
    }),
  );
  expect(faint).toEqual([]);
});

/** WCAG 2.2, contrast ratio: from 1 to 21; NaN for what is no colour, which no comparison passes. */
function contrast(a: string, b: string): number {
  const [bright = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (bright + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) => {
    const share = Number.parseInt(colour.slice(start, start + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
