import { describe, expect, it } from 'vitest';
import { type Denial, denialAnswer } from './denial.ts';
import { compileRules, dumpRules, type RequestFacts, route } from './index.ts';
import { factsOf, findings, load, rulesText } from './testing/rules.ts';

const rules = load(rulesText());
const ASKED = factsOf(rules, { method: 'PUT', target: '/a b?x=1&y="<é', host: 'Contoso.com:8443' });
const answered = (redirect: string, facts: RequestFacts = ASKED): unknown => denialAnswer({ redirect }, facts);

describe('the answer to a denied request', () => {
  it.each<[Denial, unknown]>([
    ['forbidden', { kind: 'status', status: 403 }],
    ['misdirected', { kind: 'status', status: 421 }],
    ['reset', { kind: 'reset' }],
    [{ status: 404 }, { kind: 'status', status: 404 }],
    [{ page: 'sorry' }, { kind: 'page', status: 403, page: 'sorry' }],
    [
      { page: 'sorry', status: 200 },
      { kind: 'page', status: 200, page: 'sorry' },
    ],
    [
      { redirect: 'http://sorry.test/', status: 307 },
      { kind: 'redirect', status: 307, location: 'http://sorry.test/' },
    ],
  ])('%j', (denial, expected) => {
    expect(denialAnswer(denial, ASKED)).toEqual(expected);
  });

  it.each([
    ['https://{host}{target}', 'https://contoso.com/a%20b?x=1&y=%22%3C%E9'],
    ['https://{host}:{port}/', 'https://contoso.com:8443/'],
    [
      'http://sorry.test/?u={url}&c={client}&m={method}',
      'http://sorry.test/?u=https%3A%2F%2Fcontoso.com%3A8443%2Fa%20b%3Fx%3D1%26y%3D%22%3C%E9&c=192.0.2.7&m=PUT',
    ],
    ['/sorry', '/sorry'],
  ])('%s is filled in, encoded', (redirect, location) => {
    expect(answered(redirect)).toEqual({ kind: 'redirect', status: 307, location });
    expect(answered(redirect, { ...ASKED, method: 'HEAD' })).toMatchObject({ status: 302 });
  });

  it('leads OPTIONS * to the root, and nobody to a host that was not named', () => {
    expect(answered('https://a.test{target}', { ...ASKED, target: '*' })).toMatchObject({
      location: 'https://a.test/',
    });
    expect(answered('https://{host}/', { ...ASKED, host: '' })).toEqual({ kind: 'status', status: 403 });
  });

  it('holds no line end, whatever the request says', () => {
    for (const hostile of ['/\r\nX: y', '/\0', '/\u0085']) {
      expect(JSON.stringify(answered('https://a.test{target}?{url}', { ...ASKED, target: hostile }))).not.toMatch(
        /\\[rnu]/,
      );
    }
  });
});

describe('answers in a rules file', () => {
  const denying = (answer: string): string =>
    rulesText({ access: `[{ deny: { methods: PUT }, answer: ${answer} }, { allow: {} }]` });

  it.each([
    ['{ status: 404 }', undefined],
    ['{ redirect: "https://a.test/{{x}}" }', undefined],
    ['{ redirect: "https://[2001:db8::1]:8443{target}", status: 308 }', undefined],
    ['{ redirect: "//evil.test" }', /a redirect begins with.*RULES_BAD_REDIRECT/],
    ['{ redirect: "/{target}" }', /a redirect begins with/],
    ['{ redirect: "{url}" }', /a redirect begins with/],
    ['{ redirect: "https://{target}/" }', /a redirect begins with/],
    ['{ redirect: "https://a.test{host}/" }', /a redirect begins with/],
    ['{ redirect: "https://user@a.test/" }', /a redirect begins with/],
    ['{ redirect: "javascript:alert(1)" }', /a redirect begins with/],
    ['{ redirect: "https://a.test/ü" }', /nothing beyond ASCII/],
    ['{ redirect: "https://a.test/{path}" }', /\{path\} is not known here/],
    ['{ redirect: "https://a.test/", status: 200 }', /an answer is forbidden/],
    ['{ status: 401 }', /401 and 407 ask for a login/],
    ['{ status: 200 }', /a status is a number from 400 to 599/],
    ['{ page: sorry, status: 401 }', /an answer is forbidden/],
    ['{ page: sorry, status: 302 }', /an answer is forbidden/],
    ['{ page: sorry }', /there is no page sorry.*RULES_UNKNOWN_PAGE/],
    ['forbiden', /an answer is forbidden, misdirected, reset/],
  ])('%s', (answer, finding) => {
    if (finding === undefined) expect(findings(denying(answer))).toEqual([]);
    else expect(findings(denying(answer)).join('\n')).toMatch(finding);
  });

  it('come back from a dump, and stand in the verdict', () => {
    const loaded = load(dumpRules(load(denying('{ redirect: "/sorry", status: 303 }'))));
    const decision = route(compileRules(loaded), factsOf(loaded, { method: 'PUT' }));
    expect(decision).toMatchObject({ access: 'deny', answer: { redirect: '/sorry', status: 303 } });
  });
});
