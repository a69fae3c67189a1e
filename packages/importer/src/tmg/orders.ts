// Room: which rule goes before which. SDK: the position in the list of rules, from 1. Exports hold eight bytes (bin.hex), and no document
// says which of them comes first: an order counts where both readings agree, or where one of them is the order of the file, for the
// collection is written in its order. Pure.
import { attributeOf, childOf, type XmlElement } from './xml.ts';

const DECIMAL = /^\d{1,10}$/;
const BYTES = /^[\da-f]{16}$/i;

/**
 * The place of each rule of one list, as numbers that only compare. Undefined for a rule that says none, and for all of them where what
 * they say can be read as two orders.
 */
export function placesOf(rules: readonly XmlElement[]): (number | undefined)[] {
  const orders = rules.map((rule) => childOf(rule, 'Order'));
  const texts = orders.map((order) => order?.text ?? '');
  const isBytes = orders.some((order) => attributeOf(order, 'dt:dt') === 'bin.hex');
  if (!isBytes) return texts.map((text) => (DECIMAL.test(text) ? Number(text) : undefined));
  if (!texts.every((text) => text === '' || BYTES.test(text))) return texts.map(() => undefined);
  const places = [texts, texts.map(reversed)].map(ranks);
  const [first, second] = places;
  if (first === undefined || second === undefined) return texts.map(() => undefined);
  if (JSON.stringify(first) === JSON.stringify(second)) return first;
  return places.find(isAscending) ?? texts.map(() => undefined);
}

function reversed(bytes: string): string {
  return (bytes.match(/../g) ?? []).reverse().join('');
}

/** Rank of each text among the others, as bytes of one length compare. */
function ranks(texts: readonly string[]): (number | undefined)[] {
  const sorted = [...new Set(texts.filter((text) => text !== '').map((text) => text.toLowerCase()))].sort();
  return texts.map((text) => (text === '' ? undefined : sorted.indexOf(text.toLowerCase())));
}

function isAscending(places: readonly (number | undefined)[]): boolean {
  const said = places.filter((place) => place !== undefined);
  return said.every((place, index) => index === 0 || (said[index - 1] ?? 0) < place);
}
