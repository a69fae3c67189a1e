import { compileRegex, conditionTest, type Listener, parseLocalTime, requestFacts } from '@outrigger/rules';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seedOf } from '../testing/seed.ts';
import { above, readHttpPolicy } from './httppolicy.ts';

const LISTENER: Listener = { address: '203.0.113.10:443', tls: { certificates: [{ pkcs12: 'a' }] } };

/** Whether one of the refusals of the policy holds for a request. */
function refuses(policy: string, method: string, target: string, ...fields: [string, string][]): boolean {
  const read = readHttpPolicy(policy);
  const time = parseLocalTime('wed 12:00');
  if (read.kind !== 'policy' || time === undefined) throw new Error('no policy');
  const result = requestFacts(
    { method, target, version: '1.1', fields: [['Host', 'mail.contoso.com'], ...fields] },
    { listener: LISTENER, client: '192.0.2.7', time },
  );
  if (result.kind === 'bad') throw new Error('no request');
  return read.refusals.some(({ when }) => when !== undefined && conditionTest(when)(result.facts));
}

const urls = (attributes: string, inside = ''): string =>
  `<Configuration><UrlValidation ${attributes}>${inside}</UrlValidation></Configuration>`;

describe('readHttpPolicy', () => {
  const GET_POST =
    '<Configuration><Verbs AllowCondition="1"><Verb Value="GET"/><Verb Value="POST"/></Verbs></Configuration>';
  const NO_PUT = '<Configuration><Verbs AllowCondition="2"><Verb Value="PUT"/></Verbs></Configuration>';
  const NO_EXE = urls(
    '',
    '<Extensions AllowCondition="2"><Extension Value=".exe"/><Extension Value=".b+t"/></Extensions>',
  );
  const ONLY_ASPX = urls(
    '',
    '<Extensions AllowCondition="1"><Extension Value=".aspx"/><Extension Value="."/></Extensions>',
  );
  const BODY = '<Configuration MaxRequestBodyLen="65536"/>';
  it.each<[string, string, string, string, [string, string][], boolean]>([
    ['a method that is not listed', GET_POST, 'PUT', '/', [], true],
    ['no method that is', GET_POST, 'POST', '/', [], false],
    ['a method that is listed to be refused', NO_PUT, 'PUT', '/', [], true],
    ['no other', NO_PUT, 'GET', '/', [], false],
    ['an extension in any case', NO_EXE, 'GET', '/a/B.EXE?x', [], true],
    ['an extension behind which a path goes on', NO_EXE, 'GET', '/a.exe/b', [], true],
    ['an extension that is escaped', NO_EXE, 'GET', '/a%2eexe', [], true],
    ['an extension with signs of patterns', NO_EXE, 'GET', '/a.b+t', [], true],
    ['no longer extension', NO_EXE, 'GET', '/a.exec', [], false],
    ['no extension in a query', NO_EXE, 'GET', '/a?b.exe', [], false],
    ['an extension that is not among those allowed', ONLY_ASPX, 'GET', '/a.htm', [], true],
    ['no path without extension, where that is allowed', ONLY_ASPX, 'GET', '/owa/', [], false],
    ['no extension that is allowed', ONLY_ASPX, 'GET', '/owa/x.aspx', [], false],
    ['a body over the limit', BODY, 'POST', '/', [['Content-Length', '65537']], true],
    ['no body at the limit', BODY, 'POST', '/', [['Content-Length', '65536']], false],
    ['a path over the limit', urls('MaxLength="10"'), 'GET', '/1234567890', [], true],
    ['no path at the limit', urls('MaxLength="10"'), 'GET', '/123456789?more', [], false],
    ['a query over the limit', urls('MaxQueryLength="3"'), 'GET', '/?1234', [], true],
    ['no query at the limit', urls('MaxQueryLength="3"'), 'GET', '/?123', [], false],
    ['a query over a long limit', urls('MaxQueryLength="4096"'), 'GET', `/?${'x'.repeat(4_097)}`, [], true],
    ['no query at a long limit', urls('MaxQueryLength="4096"'), 'GET', `/?${'x'.repeat(4_096)}`, [], false],
    ['a path that is escaped twice', urls('VerifyNormalization="true"'), 'GET', '/%252e', [], true],
    ['no path that is escaped once', urls('VerifyNormalization="true"'), 'GET', '/%2e', [], false],
    ['characters beyond ASCII', urls('AllowHighBitCharacters="false"'), 'GET', '/%C3%A4', [], true],
    ['characters beyond ASCII in a query', urls('AllowHighBitCharacters="false"'), 'GET', '/?%C3%A4', [], true],
    ['a dot in a folder', urls('BlockDotInPath="true"'), 'GET', '/a.b/c', [], true],
    ['no dot in a file', urls('BlockDotInPath="true"'), 'GET', '/a/b.c', [], false],
    [
      'a header',
      '<Configuration><RequestHeaders><Header Value="X-Bad"/></RequestHeaders></Configuration>',
      'GET',
      '/',
      [['x-bad', '']],
      true,
    ],
  ])('refuses %s', (_, policy, method, target, fields, isRefused) =>
    expect(refuses(policy, method, target, ...fields)).toBe(isRefused),
  );

  it.each([
    ['not XML', '<Configuration'],
    ['another root', '<Other/>'],
    ['a list of a way that is not known', '<Configuration><Verbs AllowCondition="3"/></Configuration>'],
    [
      'a list with an entry that has no name',
      '<Configuration><Verbs AllowCondition="2"><Verb/></Verbs></Configuration>',
    ],
    [
      'a method that would turn a rule round',
      '<Configuration><Verbs AllowCondition="2"><Verb Value="!GET"/></Verbs></Configuration>',
    ],
    ['a header that is none', '<Configuration><RequestHeaders><Header Value="a b"/></RequestHeaders></Configuration>'],
  ])('cannot read %s', (_, policy) => expect(readHttpPolicy(policy).kind).toBe('unreadable'));

  it('tells what no condition can say', () => {
    const read = readHttpPolicy(
      '<Configuration BlockExecutables="true"><UrlValidation MaxLength="10240"/><DeniedSignatures><S/></DeniedSignatures></Configuration>',
    );
    expect(
      read.kind === 'policy' && read.refusals.filter(({ when }) => when === undefined).map(({ what }) => what),
    ).toEqual(['paths over 10240 characters', 'answers with Windows programs', 'requests with what 1 signatures name']);
  });

  it('takes the limits that wizards write for any as none', () => {
    const read = readHttpPolicy('<Configuration MaxRequestBodyLen="107374182400"/>');
    expect(read.kind === 'policy' && read.refusals).toEqual([]);
  });
});

describe('above', () => {
  it('holds for each greater number and no other', () => {
    const number = fc.oneof(fc.nat(2_000), fc.nat(), fc.constantFrom(9, 99, 999, 0, 10, 65_536));
    fc.assert(
      fc.property(number, number, (limit, value) => {
        const compiled = compileRegex(above(limit), false);
        expect(compiled.ok && compiled.regex.test(String(value))).toBe(value > limit);
      }),
      { seed: seedOf('numbers') },
    );
  });
});
