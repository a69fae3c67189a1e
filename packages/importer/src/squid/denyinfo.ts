// Room: deny_info: how Squid answers a denial, as an answer of an access line (SQ-220 to SQ-224). Source: errorpage.cc,
// ErrorDynamicPageInfo and ErrorState::compile: `[STATUS:]TEMPLATE`, `[STATUS:]URL` with %-codes, or TCP_RESET.
import { type Denial, literally, type Page, redirectError } from '@outrigger/rules';
import { infoOf, type PageSetting, UNASKED } from './errorpages.ts';
import { type PageContext, pageOf } from './pagecodes.ts';

/** `exact`: as Squid answers. Else what differs, as a sentence, what to do about it, and whether the answer is of that kind at all (`alike`). */
export type DenyAnswer = { answer: Denial; page?: NamedPage } & (
  | { exact: true }
  | { exact: false; alike: boolean; difference: string; hint: string }
);

/** A page of rules, and the settings that it tells. */
export type NamedPage = { name: string; page: Page; tells: readonly PageSetting[] };

/** Codes in a URL, by what stands for them here; values are percent-encoded in both. Fixed texts are what an accelerator gives. */
const URL_CODES: Readonly<Record<string, string>> = {
  s: '{url}',
  u: '{url}',
  H: '{host}',
  R: '{target}',
  P: '{scheme}',
  p: '{port}',
  M: '{method}',
  i: '{client}',
  a: '-',
  o: '',
  B: '',
  '%': '%25',
};

/** Codes that Squid fills in with something no rule knows: pages, errors, its own name. Any other letter stands for itself. */
const OTHER_CODES = 'bcdDeEfFghIlLmOStTUwWxzZ';

const REDIRECTS = [301, 302, 303, 307, 308];

/** What one deny_info line comes to. Never fails: what has no counterpart is a plain 403 that says so. */
export function denyAnswer(written: string, context: PageContext): DenyAnswer {
  const info = infoOf(written);
  if (info.kind === 'reset') return { answer: 'reset', exact: true };
  if (info.kind === 'redirect') return redirectAnswer(info.url, info.status);
  return pageAnswer(written, info.page, info.status, context);
}

/** How a denial is answered for which no line speaks. A page of one's own is shown; that of Squid is no loss: Outrigger has a sentence for it. */
export function unaskedAnswer(page: string, context: PageContext): DenyAnswer {
  const isOwn = context.pages.settings.has('error_directory') && context.pages.files.get(page)?.kind === 'found';
  return isOwn ? pageAnswer(page, page, undefined, context) : { answer: 'forbidden', exact: true };
}

function redirectAnswer(url: string, status: number | undefined): DenyAnswer {
  const unknown: string[] = [];
  const redirect = literally(url).replace(/%(.)?/g, (written, code: string | undefined) => {
    // A % that begins no code stands for itself, and Squid writes it so that it does.
    const value = code === undefined ? undefined : URL_CODES[code];
    if (value !== undefined) return value;
    if (code !== undefined && OTHER_CODES.includes(code)) unknown.push(written);
    return `%25${code ?? ''}`;
  });
  if (unknown.length > 0) return plain(`its URL holds ${unknown.join(', ')}, which rules cannot fill in`);
  if (status !== undefined && !REDIRECTS.includes(status)) return plain(`${status} is no status of a redirect`);
  const wrong = redirectError(redirect);
  if (wrong !== undefined) return plain(wrong);
  return { answer: { redirect, ...(status !== undefined && { status }) }, exact: true };
}

function pageAnswer(written: string, name: string, status: number | undefined, context: PageContext): DenyAnswer {
  const { files, settings } = context.pages;
  const isShown = status === undefined || status === 200 || (status >= 400 && status <= 599);
  if (!isShown || status === 401 || status === 407) {
    return plain(`it is answered ${status}, which is no refusal that rules can give`);
  }
  const isStock = STOCK.has(name) && !settings.has('error_directory');
  if (isStock && name === UNASKED.access && (status === undefined || status === 403)) {
    return { answer: 'forbidden', exact: true };
  }
  const found = files.get(name);
  const coded = found?.kind === 'found' ? pageOf(found.file, written, context) : undefined;
  if (coded?.kind !== 'page') {
    const why =
      found?.kind === 'missing'
        ? `is not at ${found.places.join(', nor at ')}`
        : `cannot be shown: ${coded?.why ?? 'it is larger than a page of rules may be'}`;
    return {
      answer: status === undefined || status === 403 || status === 200 ? 'forbidden' : { status },
      exact: false,
      alike: false,
      difference: `the page ${name} ${why}; Outrigger answers with one sentence of its own`,
      hint: 'Import again where the page is, or name one under pages.',
    };
  }
  // Where a page tells what it was called with, each status has one of its own.
  const called = coded.page.fill?.['%c'] === undefined ? name : written;
  const page = { name: called.replace(/[^A-Za-z0-9_.-]/g, '-'), page: coded.page, tells: coded.tells };
  const answer = { page: page.name, ...(status !== undefined && { status }) };
  // A status in front makes it a page of the file's own, which comes in one language.
  const language =
    isStock && status === undefined ? ['it comes in one language, where Squid went by Accept-Language'] : [];
  const differences = [...language, ...coded.differences];
  if (differences.length === 0) return { answer, page, exact: true };
  const difference = `the page ${coded.page.file} is shown, but ${differences.join('; ')}`;
  return { answer, page, exact: false, alike: true, difference, hint: 'Change fill of the page where that matters.' };
}

/** Pages that Squid brings along, of which each client gets the one in its language. */
const STOCK: ReadonlySet<string> = new Set(
  `ERR_ACCESS_DENIED ERR_ACL_TIME_QUOTA_EXCEEDED ERR_AGENT_CONFIGURE ERR_AGENT_WPAD ERR_CACHE_ACCESS_DENIED
  ERR_CACHE_MGR_ACCESS_DENIED ERR_CANNOT_FORWARD ERR_CONFLICT_HOST ERR_CONNECT_FAIL ERR_DIR_LISTING ERR_DNS_FAIL ERR_ESI
  ERR_FORWARDING_DENIED ERR_FTP_DISABLED ERR_FTP_FAILURE ERR_FTP_FORBIDDEN ERR_FTP_NOT_FOUND ERR_FTP_PUT_CREATED
  ERR_FTP_PUT_ERROR ERR_FTP_PUT_MODIFIED ERR_FTP_UNAVAILABLE ERR_GATEWAY_FAILURE ERR_ICAP_FAILURE ERR_INVALID_REQ
  ERR_INVALID_RESP ERR_INVALID_URL ERR_LIFETIME_EXP ERR_NO_RELAY ERR_ONLY_IF_CACHED_MISS ERR_PRECONDITION_FAILED
  ERR_PROTOCOL_UNKNOWN ERR_READ_ERROR ERR_READ_TIMEOUT ERR_SECURE_CONNECT_FAIL ERR_SHUTTING_DOWN ERR_SOCKET_FAILURE
  ERR_TOO_BIG ERR_UNSUP_HTTPVERSION ERR_UNSUP_REQ ERR_URN_RESOLVE ERR_WRITE_ERROR ERR_ZERO_SIZE_OBJECT`.split(/\s+/),
);

function plain(reason: string): DenyAnswer {
  const hint = 'For a redirect, route those requests to a server that answers it.';
  return { answer: 'forbidden', exact: false, alike: false, difference: `${reason}; denials are answered 403`, hint };
}
