// Room: XML as elements with line numbers, and nothing more: no entities but the five of XML, no DOCTYPE, nothing from outside.
// What would cost memory is refused before any is spent. Pure.
import { XMLParser, XMLValidator } from 'fast-xml-parser';

/** An element. `name` is without its prefix; `text` is trimmed, what stands in it beside elements. */
export type XmlElement = {
  name: string;
  /** The namespace that its own xmlns attributes give its prefix; empty where they say nothing. */
  namespace: string;
  /** StorageName, by which references find it; empty where absent. */
  id: string;
  /** As written, prefixes and all: ask `attributeOf`. */
  attributes: Readonly<Record<string, string>>;
  text: string;
  children: XmlElement[];
  /** Physical lines, from 1. */
  line: number;
  lastLine: number;
};

export type XmlResult = { kind: 'root'; root: XmlElement; text: string } | { kind: 'refused'; message: string };

/** Bytes of an export. Those of large arrays have some MiB; a parsed one takes twenty times its size in memory. */
const EXPORT_MAX = 32 * 1024 * 1024;
/** Tags of an export, start and end: some hundred bytes of memory each. */
const TAGS_MAX = 1_000_000;
/** Elements inside each other. Exports have about twelve. */
const DEPTH_MAX = 64;

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  processEntities: false,
  parseTagValue: false,
  parseAttributeValue: false,
  captureMetaData: true,
  maxNestedTags: DEPTH_MAX,
});
const PLACE = XMLParser.getMetaDataSymbol() as symbol;

/** What the parser makes of an element: its children under its name, attributes under `:@`. */
type ParsedNode = {
  ':@'?: Record<string, string>;
} & Record<string, unknown>;

/** `latin1`: the bytes of the file. Never throws on input. */
export function readXml(latin1: string): XmlResult {
  const refused = (message: string): XmlResult => ({ kind: 'refused', message });
  if (latin1.length > EXPORT_MAX) return refused(`it is larger than ${EXPORT_MAX} bytes`);
  const text = decode(latin1).replace(/\r\n?/g, '\n');
  if (/<!(?:DOCTYPE|ENTITY)/i.test(text)) return refused('it has a DOCTYPE, which exports never have');
  if (countTags(text) > TAGS_MAX) return refused(`it has more than ${TAGS_MAX} tags`);
  try {
    const valid = XMLValidator.validate(text);
    if (valid !== true) return refused(`it is no well-formed XML: line ${valid.err.line}: ${valid.err.msg}`);
    const lines = lineStarts(text);
    const [root] = elementsOf(parser.parse(text) as ParsedNode[], lines);
    return root === undefined ? refused('it holds no element') : { kind: 'root', root, text };
  } catch (error) {
    // The parser throws on names that are none, and on depth.
    return refused(`it cannot be read as XML: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** UTF-16 as TMG writes it, known by its byte order mark; else UTF-8. */
function decode(latin1: string): string {
  const bytes = Buffer.from(latin1, 'latin1');
  if (latin1.startsWith('\xff\xfe')) return bytes.subarray(2).toString('utf16le');
  if (latin1.startsWith('\xfe\xff')) {
    return bytes
      .subarray(2, bytes.length - (bytes.length % 2))
      .swap16()
      .toString('utf16le');
  }
  return bytes.toString('utf8').replace(/^\uFEFF/, '');
}

function countTags(text: string): number {
  let count = 0;
  for (let at = text.indexOf('<'); at !== -1 && count <= TAGS_MAX; at = text.indexOf('<', at + 1)) count += 1;
  return count;
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** Line, from 1, of a character: the last one that begins before it. */
function lineOf(starts: readonly number[], index: number): number {
  let [low, high] = [0, starts.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= index) low = middle;
    else high = middle;
  }
  return low + 1;
}

function elementsOf(nodes: readonly ParsedNode[], starts: readonly number[]): XmlElement[] {
  return nodes.flatMap((node) => {
    const name = Object.keys(node).find((key) => key !== ':@') ?? '';
    if (name === '#text' || name.startsWith('?')) return [];
    const inside = node[name] as ParsedNode[];
    const attributes = node[':@'] ?? {};
    const { startIndex = 0, endIndex = startIndex } = (Reflect.get(node, PLACE) ?? {}) as {
      startIndex?: number;
      endIndex?: number;
    };
    const colon = name.indexOf(':');
    return [
      {
        name: name.slice(colon + 1),
        namespace: attributes[colon === -1 ? 'xmlns' : `xmlns:${name.slice(0, colon)}`] ?? '',
        id: attributes.StorageName ?? '',
        attributes,
        text: inside
          .map((each) => ('#text' in each ? plain(String(each['#text'])) : ''))
          .join('')
          .trim(),
        children: elementsOf(inside, starts),
        line: lineOf(starts, startIndex),
        lastLine: lineOf(starts, Math.max(startIndex, endIndex - 1)),
      },
    ];
  });
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The five entities of XML and characters by number; any other stays as it is written. */
function plain(text: string): string {
  return text.replace(/&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#x([\da-f]{1,6}));/gi, (whole, name, decimal, hex) => {
    if (name !== undefined) return ENTITIES[String(name).toLowerCase()] ?? whole;
    const point = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return point >= 0x20 && point <= 0x10_ff_ff ? String.fromCodePoint(point) : whole;
  });
}

/** First child of that name. */
export function childOf(element: XmlElement | undefined, ...names: string[]): XmlElement | undefined {
  return element?.children.find(({ name }) => names.includes(name));
}

/** Every element below, in the order of the file. */
export function* everyElement(element: XmlElement): Generator<XmlElement> {
  for (const child of element.children) {
    yield child;
    yield* everyElement(child);
  }
}

/** Value of an attribute, by its name with its prefix; empty where absent. */
export function attributeOf(element: XmlElement | undefined, name: string): string {
  return element !== undefined && Object.hasOwn(element.attributes, name) ? plain(element.attributes[name] ?? '') : '';
}
