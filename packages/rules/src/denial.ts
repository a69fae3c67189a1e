// Room: how a denied request is answered: the shape in a rules file, and what it comes to for one request.
import { z } from 'zod';
import type { RequestFacts } from './facts.ts';
import { requestTemplate, requestTemplateError } from './requestvalue.ts';

/** Statuses of RFC 9110 15.4 that send a client elsewhere. */
const redirectStatus = z
  .int()
  .refine(
    (status) => [301, 302, 303, 307, 308].includes(status),
    'the status of a redirect is 301, 302, 303, 307 or 308',
  );

/** 401 and 407 mean nothing without a challenge (RFC 9110 15.5.2, 15.5.8), which is the business of who checks the answer. */
const refusalStatus = z
  .int('a status is a number from 400 to 599')
  .min(400, 'a status is a number from 400 to 599')
  .max(599, 'a status is a number from 400 to 599')
  .refine((status) => status !== 401 && status !== 407, '401 and 407 ask for a login, which Outrigger does not check');

const ANSWER_FORM =
  'an answer is forbidden, misdirected, reset, { status: 404 }, { page: NAME, status: 404 }, or { redirect: URL, status: 302 }';

/** A page may be all that there is to see, and no refusal. */
const OK = 200;
const PAGE_STATUS = 'the status of a page is 200, or from 400 to 599 and neither 401 nor 407';
const pageStatus = z
  .int(PAGE_STATUS)
  .refine((status) => status === OK || refusalStatus.safeParse(status).success, PAGE_STATUS);

/** How a denial is answered. */
export const denial = z.union(
  [
    z.enum(['forbidden', 'misdirected', 'reset'], ANSWER_FORM).meta({
      description: '403, 421 (RFC 9110 15.5.20: this is not the server of that host), or a reset connection',
    }),
    z.strictObject({ status: refusalStatus }),
    z.strictObject({
      page: z.string().meta({ description: 'Name of a page under pages' }),
      status: pageStatus.optional().meta({ description: 'Default: 403' }),
    }),
    z.strictObject({
      redirect: z.string().meta({ description: 'URL to go to, or a path; {host}, {target}, {url}, … are filled in' }),
      status: redirectStatus
        .optional()
        .meta({ description: 'Default: 302 to GET and HEAD, 307, which keeps the method, to others' }),
    }),
  ],
  { error: ANSWER_FORM },
);

export type Denial = z.output<typeof denial>;

/** What a denied client gets. */
export type DenialAnswer =
  | { kind: 'reset' }
  | { kind: 'status'; status: number }
  | { kind: 'page'; status: number; page: string }
  | { kind: 'redirect'; status: number; location: string };

const STATUS = { forbidden: 403, misdirected: 421 } as const;

/** A URL whose host no request can write into: nobody is sent where a client chose to. */
const SAFE_START =
  /^(?:https?:\/\/(?:[A-Za-z0-9.:[\]-]+|\{host\}(?::(?:\d+|\{port\}))?)(?:$|[/?#]|\{target\})|\/(?![/\\]|\{))/;
const URI_CHARACTERS = /^[!-~]+$/;

/** What the answer comes to. A redirect to `{host}` of a request that names none is a plain 403. */
export function denialAnswer(denial: Denial, facts: RequestFacts): DenialAnswer {
  if (denial === 'reset') return { kind: 'reset' };
  if (typeof denial === 'string') return { kind: 'status', status: STATUS[denial] };
  if ('page' in denial) return { kind: 'page', status: denial.status ?? STATUS.forbidden, page: denial.page };
  if (!('redirect' in denial)) return { kind: 'status', status: denial.status };
  if (facts.host === '' && denial.redirect.includes('{host}')) return { kind: 'status', status: STATUS.forbidden };
  const location = requestTemplate(denial.redirect, encoded)(facts);
  // RFC 9110 15.4.3: many clients make a GET of what a 302 answers.
  const found = facts.method === 'GET' || facts.method === 'HEAD' ? 302 : 307;
  return { kind: 'redirect', status: denial.status ?? found, location };
}

/** Why a redirect cannot be used, as a sentence; undefined where it can. */
export function redirectError(redirect: string): string | undefined {
  if (!URI_CHARACTERS.test(redirect)) return 'a URL has no blanks and nothing beyond ASCII: percent-encode them';
  if (!SAFE_START.test(redirect)) return 'a redirect begins with http://HOST, https://HOST or /, HOST a name or {host}';
  return requestTemplateError(redirect);
}

/**
 * A value where it stands in a URL: the target stays one, with what RFC 3986 does not allow in it percent-encoded; `*` of OPTIONS is the
 * root. All else is encoded whole, as a part of a query.
 */
function encoded(value: string, name: string): string {
  if (name === 'host' || name === 'port' || name === 'scheme') return value;
  if (name === 'target') return value.startsWith('/') ? value.replace(/[^!#-;=?-Z\]_a-z~[]/g, escapeByte) : '/';
  return value.replace(/[^A-Za-z0-9._~-]/g, escapeByte);
}

function escapeByte(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
