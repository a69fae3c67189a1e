// Room: what Exchange's web server shows besides RPC: a table of pages, each a function of the request and its body.
import { type AutodiscoverFacts, answerAutodiscover } from './autodiscover.ts';
import type { Answer, Request, RequestBody } from './http.ts';

export type PageFacts = {
  autodiscover: AutodiscoverFacts;
  /** Whether there is a mailbox of that address. */
  knows(emailAddress: string): boolean;
  /** Milliseconds an ActiveSync Ping is held where its query says nothing else. */
  pingHold: number;
};

export type Ask = {
  request: Request;
  body: RequestBody;
  /** `DOMAIN\user` where the page was asked for by someone known. */
  user: string | undefined;
  facts: PageFacts;
  /** Waits so many milliseconds, or until the client has gone. */
  hold(milliseconds: number): Promise<void>;
};

export type Page = {
  path: RegExp;
  /** Shown without a login. */
  isOpen: boolean;
  answer(ask: Ask): Answer | Promise<Answer>;
};

/** IIS ignores case in paths. First match wins. */
const PAGES: Page[] = [
  { path: /\/upload$/i, isOpen: true, answer: upload },
  { path: /^\/ews\/exchange\.asmx$/i, isOpen: false, answer: webServices },
  { path: /^\/microsoft-server-activesync\/?$/i, isOpen: false, answer: activeSync },
  { path: /^\/autodiscover\/autodiscover\.xml$/i, isOpen: false, answer: autodiscover },
  { path: /^\/(owa|ecp|exchange|exchweb|public|exadmin|mapi|oab)(\/|$)/i, isOpen: true, answer: html },
];
const MISSING: Page = {
  path: /^/,
  isOpen: true,
  answer: () => ({ status: 404, reason: 'Not Found', body: 'no such page\n' }),
};

/** The page behind a request; one that says 404 where there is none. */
export function pageOf(request: Request): Page {
  return PAGES.find(({ path }) => path.test(request.path)) ?? MISSING;
}

function html({ request, user = 'nobody' }: Ask): Answer {
  const body = `<!DOCTYPE html><title>Outlook</title><p>Stand-in Exchange: ${escapeXml(request.path)} for ${escapeXml(user)}</p>\n`;
  return { status: 200, reason: 'OK', fields: [['Content-Type', 'text/html; charset=utf-8']], body };
}

function upload({ body }: Ask): Answer {
  const report = JSON.stringify({ bytes: body.bytes, sha256: body.sha256, whole: body.whole });
  return { status: 200, reason: 'OK', fields: [['Content-Type', 'application/json']], body: report };
}

/** Exchange Web Services (MS-OXWSCORE): says which operation it was asked for. */
function webServices({ request, body, user = 'nobody' }: Ask): Answer {
  const operation = /<(?:\w+:)?Body[^>]*>\s*<(?:\w+:)?(\w+)/.exec(body.start.toString('utf8'))?.[1];
  if (request.method !== 'POST' || operation === undefined) {
    return { status: 400, reason: 'Bad Request', body: 'not a SOAP request\n' };
  }
  const envelope =
    '<?xml version="1.0" encoding="utf-8"?>' +
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>' +
    `<${operation}Response xmlns="http://schemas.microsoft.com/exchange/services/2006/messages">` +
    `<ResponseCode>NoError</ResponseCode><User>${escapeXml(user)}</User>` +
    `</${operation}Response></s:Body></s:Envelope>\n`;
  return { status: 200, reason: 'OK', fields: [['Content-Type', 'text/xml; charset=utf-8']], body: envelope };
}

/** WBXML of a Ping answer with Status 1, nothing changed (MS-ASCMD 2.2.1.13, MS-ASWBXML). */
const PING_EXPIRED = Buffer.from('03016a00000d45470331000101', 'hex');

/** ActiveSync (MS-ASHTTP): OPTIONS, and a Ping that is held as long as nothing happens. `hold`: milliseconds. */
async function activeSync({ request, facts, hold }: Ask): Promise<Answer> {
  const query = new URLSearchParams(request.query);
  if (request.method === 'OPTIONS') {
    return { status: 200, reason: 'OK', fields: [['MS-ASProtocolVersions', '14.0,14.1,16.0,16.1']] };
  }
  if (query.get('Cmd') === 'Ping') await hold(Number(query.get('hold') ?? facts.pingHold));
  return { status: 200, reason: 'OK', fields: [['Content-Type', 'application/vnd.ms-sync.wbxml']], body: PING_EXPIRED };
}

function autodiscover({ body, facts }: Ask): Answer {
  const answer = answerAutodiscover(body.start.toString('utf8'), facts.autodiscover, facts.knows);
  return { status: 200, reason: 'OK', fields: [['Content-Type', 'text/xml; charset=utf-8']], body: answer };
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
