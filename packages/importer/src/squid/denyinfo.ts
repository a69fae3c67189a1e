// Room: deny_info: how Squid answers a denial, as an answer of an access line (SQ-220 to SQ-224). Source: errorpage.cc,
// ErrorDynamicPageInfo and ErrorState::compile: `[STATUS:]TEMPLATE`, `[STATUS:]URL` with %-codes, or TCP_RESET.
import type { Denial } from '@outrigger/rules';
import { literally, redirectError } from '@outrigger/rules';

/** `exact`: as Squid answers. Else what differs, as a sentence, and what to do about it. */
export type DenyAnswer = { answer: Denial } & ({ exact: true } | { exact: false; difference: string; hint: string });

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
const WITH_STATUS = /^(\d{3}):(.*)$/;

/** What one deny_info line comes to. The page that Squid shows unasked is no loss: Outrigger has a sentence of its own for it. Never fails: what has no counterpart is a plain 403 that says so. */
export function denyAnswer(info: string): DenyAnswer {
  if (info === 'TCP_RESET') return { answer: 'reset', exact: true };
  const [, digits, rest] = WITH_STATUS.exec(info) ?? [];
  const status = digits === undefined ? undefined : Number(digits);
  const page = rest ?? info;
  return page.includes(':') ? redirectAnswer(page, status) : pageAnswer(page, status);
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

function pageAnswer(page: string, status: number | undefined): DenyAnswer {
  const difference = `the page ${page} is not carried over; Outrigger answers with one sentence of its own`;
  const hint = 'To show a page, redirect to a server that has it.';
  const isStock = page === 'ERR_ACCESS_DENIED';
  if (isStock && (status === undefined || status === 403)) return { answer: 'forbidden', exact: true };
  if (status === undefined || status === 403) return { answer: 'forbidden', exact: false, difference, hint };
  if (status < 400 || status > 599 || status === 401 || status === 407) {
    return plain(`it is answered ${status}, which is no refusal that rules can give`);
  }
  return { answer: { status }, exact: false, difference, hint };
}

function plain(reason: string): DenyAnswer {
  const hint = 'For a redirect, route those requests to a server that answers it.';
  return { answer: 'forbidden', exact: false, difference: `${reason}; denials are answered 403`, hint };
}
