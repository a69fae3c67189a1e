// Room: what a header change or a redirect may say of the request it is made for. A closed list: each value has passed the reader
// of heads, none can end a line.
import { type RequestFacts, urlOf } from './facts.ts';
import { type Placeholder, parseTemplate, type TemplatePart } from './template.ts';

/** `{client}` and the like. Text is latin1. */
const VALUES = {
  /** Address of the client, without port. */
  client: ({ client }: RequestFacts) => client,
  /** Host of the request in lower case, without port; empty where it names none. */
  host: ({ host }: RequestFacts) => host,
  /** Port of the URL. */
  port: ({ port }: RequestFacts) => String(port),
  scheme: ({ scheme }: RequestFacts) => scheme,
  method: ({ method }: RequestFacts) => method,
  /** Path and query as the client sent them. */
  target: ({ target }: RequestFacts) => target,
  /** The whole URL. */
  url: urlOf,
} as const;

export const REQUEST_VALUES = Object.keys(VALUES);

/** Why a text cannot be used as a template over a request, as a sentence; undefined where it can. */
export function requestTemplateError(text: string): string | undefined {
  const parsed = parseTemplate(text);
  if (!parsed.ok) return parsed.message;
  const wrong = parsed.parts.find((part) => typeof part !== 'string' && !isRequestValue(part));
  if (wrong === undefined) return undefined;
  return `${(wrong as Placeholder).written} is not known here; there are ${REQUEST_VALUES.map((name) => `{${name}}`).join(', ')}`;
}

/** The text for one request; `encode` is given each value and its name. The template must have passed the loader: a bug throws. */
export function requestTemplate(
  text: string,
  encode: (value: string, name: string) => string = (value) => value,
): (facts: RequestFacts) => string {
  const parsed = parseTemplate(text);
  if (!parsed.ok) throw new Error(`a template that cannot be read passed the loader: ${text}`);
  const { parts } = parsed;
  return (facts) =>
    parts.map((part) => (typeof part === 'string' ? part : encode(valueFrom(part, facts), part.name))).join('');
}

function isRequestValue(part: TemplatePart): boolean {
  if (typeof part === 'string') return true;
  return Object.hasOwn(VALUES, part.name) && part.written === `{${part.name}}`;
}

function valueFrom({ name }: Placeholder, facts: RequestFacts): string {
  const value = requestValue(name, facts);
  if (value === undefined) throw new Error(`an unknown placeholder passed the loader: ${name}`);
  return value;
}

/** The value of that name; undefined where there is none of it. */
export function requestValue(name: string, facts: RequestFacts): string | undefined {
  return Object.hasOwn(VALUES, name) ? VALUES[name as keyof typeof VALUES](facts) : undefined;
}
