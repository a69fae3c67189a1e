// Room: the few responses we write ourselves: a status, one sentence for a person, and the end of the connection.
import type { Fields } from '@outrigger/rules';
import { isTextByte, TOKEN } from './grammar.ts';

/** Statuses we answer with, their phrase (RFC 9110 15, RFC 6585 5) and what a person is told where nothing better is known. */
const REPLIES: Readonly<Record<number, readonly [phrase: string, sentence: string]>> = {
  200: ['OK', 'This is all that there is here.'],
  301: ['Moved Permanently', 'This page is at another address.'],
  302: ['Found', 'This page is at another address.'],
  303: ['See Other', 'This page is at another address.'],
  307: ['Temporary Redirect', 'This page is at another address.'],
  308: ['Permanent Redirect', 'This page is at another address.'],
  400: ['Bad Request', 'This request could not be understood.'],
  403: ['Forbidden', 'This address may not be used from here.'],
  404: ['Not Found', 'There is no such page here.'],
  405: ['Method Not Allowed', 'This method is not allowed for this address.'],
  408: ['Request Timeout', 'The request took too long to arrive.'],
  410: ['Gone', 'This page is here no more.'],
  413: ['Content Too Large', 'The request is too large.'],
  414: ['URI Too Long', 'The address of the request is too long.'],
  421: ['Misdirected Request', 'This server does not answer for that host.'],
  429: ['Too Many Requests', 'Too many requests came from your address.'],
  431: ['Request Header Fields Too Large', 'The head of the request is too large.'],
  451: ['Unavailable For Legal Reasons', 'The law keeps this page from you.'],
  500: ['Internal Server Error', 'The proxy failed.'],
  501: ['Not Implemented', 'This kind of request is not served here.'],
  502: ['Bad Gateway', 'The server behind this proxy gave no proper answer.'],
  503: ['Service Unavailable', 'No server is available for this address at the moment.'],
  504: ['Gateway Timeout', 'The server behind this proxy did not answer in time.'],
  505: ['HTTP Version Not Supported', 'Only HTTP/1.0 and HTTP/1.1 are spoken here.'],
};

/** What our own sentences are sent as. */
export const PLAIN = 'text/plain; charset=utf-8';

export type ReplyOptions = {
  /** Reason phrase; the one of the status where absent. */
  reason?: string;
  /** One sentence for a person, sent as a line of UTF-8 text; that of the status where absent. */
  body?: string;
  /** A page in place of the sentence, its bytes as latin1, and what it is sent as. */
  page?: { type: string; content: string };
  /** Further fields, such as Allow. */
  headers?: Fields;
  /** Say `Connection: close`, and mean it. Default true: after a refusal nobody knows where the next head begins. */
  close?: boolean;
  /** Method of the request: an answer to HEAD has the length of its body but not the body (RFC 9110 9.3.2). */
  method?: string;
};

/**
 * A whole response as bytes: HTTP/1.1 whatever the request spoke (RFC 9110 6.2), text/plain unless it is a page, with a length. No Date: there is
 * no clock here (RFC 9110 6.6.1). Throws on a field or reason that would break the head: the caller's bug.
 */
export function replyBytes(status: number, options: ReplyOptions = {}): Buffer {
  const [phrase, sentence] = REPLIES[status] ?? ['', 'The request ended here.'];
  const { reason = phrase, body = sentence, headers = [], close = true, method, page } = options;
  const content = page === undefined ? Buffer.from(`${body}\n`, 'utf8') : Buffer.from(page.content, 'latin1');
  const fields: Fields = [
    ['Content-Type', page?.type ?? PLAIN],
    ['Content-Length', String(content.length)],
    ...(close ? [['Connection', 'close'] as const] : []),
    ...headers,
  ];
  for (const [name, value] of fields) {
    if (!TOKEN.test(name) || !isText(value)) throw new TypeError(`not a field of a head: ${JSON.stringify(name)}`);
  }
  if (!isText(reason)) throw new TypeError('not a reason phrase');
  const lines = [`HTTP/1.1 ${status} ${reason}`, ...fields.map(([name, value]) => `${name}: ${value}`), '', ''];
  const head = Buffer.from(lines.join('\r\n'), 'latin1');
  return method === 'HEAD' ? head : Buffer.concat([head, content]);
}

function isText(text: string): boolean {
  return [...text].every((character) => character <= 'ÿ' && isTextByte(character.charCodeAt(0)));
}
