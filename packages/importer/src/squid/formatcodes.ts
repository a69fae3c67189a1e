// Room: the %-codes of Squid's formats, which logformat and request_header_add share: how they are spelled, and what each is in a
// template of a rules file. Source: format/Token.cc (5.7); each code was also asked of the daemon.

/** One piece of a format: text that stands for itself, or a code. */
export type FormatPiece =
  | { kind: 'text'; text: string }
  | {
      kind: 'code';
      code: string;
      /** `"`, `[`, `#`, `'` or `/` in front: how the value is escaped, whatever stands around it. */
      escape?: string;
      /** `-10`, `03`: padding as written, a precision cut off. */
      padding?: string;
      argument?: string;
      written: string;
    };

/**
 * Codes by what they mean here: the name of a placeholder, with its argument. Longest first wins, as in Squid. What is always `-`
 * on an accelerator without logins is that text.
 */
const CODES: Readonly<Record<string, string>> = {
  '>a': 'client',
  '>A': 'client',
  '>p': 'clientPort',
  '<a': 'server:address',
  '<A': 'server:address',
  '<p': 'server:port',
  ts: 'endTime:seconds',
  tu: 'endTime:milliseconds',
  tl: 'endTime',
  tg: 'endTime:utc',
  tr: 'duration:milliseconds',
  '>h': 'request',
  '<h': 'response',
  Hs: 'status',
  '>Hs': 'status',
  '<Hs': 'status',
  Ss: 'result',
  Sh: 'hierarchy',
  mt: 'mimeType',
  rm: 'method',
  '>rm': 'method',
  ru: 'url',
  '>ru': 'url',
  rp: 'target',
  '>rp': 'target',
  '>rs': 'scheme',
  '>rd': 'host',
  '>rP': 'port',
  rv: 'version',
  '>rv': 'version',
  st: 'total',
  '<st': 'sent',
  '>st': 'received',
  '<sh': 'sent:head',
  '>sh': 'received:head',
  un: '-',
  ul: '-',
  ui: '-',
  ue: '-',
  us: '-',
  '[un': '-',
  '[ui': '-',
};

/** Codes that Squid knows and nothing here does. */
const WITHOUT_COUNTERPART =
  `>la >lp la lp <la <lp >eui >qos <qos >nfmark <nfmark et ea err_code err_detail tS dt busy_time <tt <pt <bs
  sn note master_xaction rG <rs <rd <rP <rp <rm <ru >ha <ha >ht credentials ssl::bump_mode ssl::>sni ssl::>cert_subject
  ssl::>cert_issuer ssl::>negotiated_version ssl::>negotiated_cipher ssl::<negotiated_version ssl::<negotiated_cipher
  proxy_protocol::>h transport::>connection_id random`.split(/\s+/);

const LONGEST_FIRST = [...Object.keys(CODES), ...WITHOUT_COUNTERPART].sort((a, b) => b.length - a.length);
const PREFIX = /^%(["'[#/]?)(-?\d*)(?:\.\d+)?(?:\{([^}]*)\})?/;

/** What a code is called in a template; undefined for one that has no counterpart. `-` for what is never known. */
export function placeholderNamed(code: string): string | undefined {
  return Object.hasOwn(CODES, code) ? CODES[code] : undefined;
}

/** A format in pieces. `bad`: the first code this table does not hold, as far as it can be told where it ends. */
export function readFormat(format: string): { kind: 'format'; pieces: FormatPiece[] } | { kind: 'bad'; code: string } {
  const pieces: FormatPiece[] = [];
  let at = 0;
  while (at < format.length) {
    const percent = format.indexOf('%', at);
    const end = percent === -1 ? format.length : percent;
    if (end > at) pieces.push({ kind: 'text', text: format.slice(at, end) });
    if (percent === -1) break;
    if (format[percent + 1] === '%') {
      pieces.push({ kind: 'text', text: '%' });
      at = percent + 2;
      continue;
    }
    const found = codeAt(format.slice(percent));
    if (found === undefined) return { kind: 'bad', code: /^%\S{1,16}/.exec(format.slice(percent))?.[0] ?? '%' };
    pieces.push(found);
    at = percent + found.written.length;
  }
  return { kind: 'format', pieces };
}

/** `[un` begins like an escape: the codes themselves are tried first. */
function codeAt(text: string): (FormatPiece & { kind: 'code' }) | undefined {
  const plain = LONGEST_FIRST.find((code) => text.startsWith(code, 1));
  if (plain !== undefined) return { kind: 'code', code: plain, written: `%${plain}` };
  const [prefix = '%', escaping = '', padding = '', argument] = PREFIX.exec(text) ?? [];
  const code = LONGEST_FIRST.find((each) => text.startsWith(each, prefix.length));
  if (code === undefined) return undefined;
  return {
    kind: 'code',
    code,
    ...(escaping !== '' && { escape: escaping }),
    ...(padding !== '' && padding !== '-' && { padding }),
    ...(argument !== undefined && { argument }),
    written: prefix + code,
  };
}
