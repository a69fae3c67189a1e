// Room: text with placeholders, as header changes, redirects and log formats hold it: `{client}`, `{request:Referer}`,
// `{duration:milliseconds,6}`. One form for all three; which names mean something is each one's own closed list.

/** `{name:argument,width|escape}`; all but the name may be missing. */
export type Placeholder = {
  name: string;
  argument?: string;
  /** Characters at least, filled up on the left, or on the right where negative. */
  width?: number;
  /** Fill up with zeros instead of blanks. */
  zeros?: true;
  /** How bytes that could be mistaken for something else are written; the default of the place where absent. */
  escape?: string;
  /** As written, with its braces. */
  written: string;
};

export type TemplatePart = string | Placeholder;
export type TemplateResult = { ok: true; parts: TemplatePart[] } | { ok: false; message: string };

/** `{{` and `}}` are the braces themselves. */
const PIECES = /\{\{|\}\}|\{[^{}]*\}|[{}]|[^{}]+/g;
const PLACEHOLDER = /^\{([A-Za-z]+)(?::([^|{}]*?))?(?:,(-?)(0?)([1-9]\d?))?(?:\|([a-z]+))?\}$/;

/** Reads a template. What its placeholders are called is not looked at. */
export function parseTemplate(text: string): TemplateResult {
  const parts: TemplatePart[] = [];
  for (const [piece] of text.matchAll(PIECES)) {
    const placeholder = PLACEHOLDER.exec(piece);
    if (placeholder !== null) parts.push(placeholderOf(placeholder));
    else if (piece === '{{' || piece === '}}') parts.push(piece.slice(1));
    else if (!/[{}]/.test(piece)) parts.push(piece);
    else return { ok: false, message: `${piece} is no placeholder; braces that mean themselves are written {{ and }}` };
  }
  return { ok: true, parts };
}

/** Text that stands for itself in a template. */
export function literally(text: string): string {
  return text.replace(/[{}]/g, '$&$&');
}

/** `value` brought to the width that a placeholder asks for. */
export function padded(value: string, { width = 0, zeros }: Placeholder): string {
  return width < 0 ? value.padEnd(-width) : value.padStart(width, zeros ? '0' : ' ');
}

function placeholderOf([written, name = '', argument, left, zero, width, escaping]: RegExpExecArray): Placeholder {
  return {
    name,
    ...(argument !== undefined && { argument }),
    ...(width !== undefined && { width: left === '-' ? -Number(width) : Number(width) }),
    ...(zero === '0' && { zeros: true }),
    ...(escaping !== undefined && { escape: escaping }),
    written,
  };
}
