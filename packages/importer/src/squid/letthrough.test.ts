import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileRules, dumpRules, type Listener, loadRules, requestFacts, route } from '@outrigger/rules';
import { expect, it } from 'vitest';
import { importSquid, memoryReader } from '../index.ts';

const CONTOSO = readFileSync(join(import.meta.dirname, '../../../../fixtures/contoso/squid.conf'), 'latin1');

it('warns of nothing where the patterns are tight', () => {
  const tight = CONTOSO.replaceAll('-i contoso.com/', '-i ^https://contoso\\.com/').replaceAll(
    /^(acl exch_url .*)$/gm,
    '$1(/|$)',
  );
  const { diagnostics } = importConfig(tight);
  expect(diagnostics.map(({ code }) => code).filter((code) => /SUFFIX|CHARACTER|LONGER|QUERY/.test(code))).toEqual([]);
});

it('names each way in by a request that the rules really send there', () => {
  const { diagnostics, rules } = importConfig(CONTOSO);
  const examples = diagnostics.flatMap(({ code, message }) => {
    const url = /https:\/\/([^/\s]+)(\/\S*) goes to exchangeServer/.exec(message);
    return code.startsWith('LET_THROUGH') && url !== null ? [[url[1] ?? '', url[2] ?? ''] as const] : [];
  });
  expect(examples).toHaveLength(4);
  for (const [host, target] of examples)
    expect(decide(dumpRules(rules ?? never()), host, target)).toBe('exchangeServer');
});

it('prints tighter rules that load and close every way it named', () => {
  const { rules, tightening } = importConfig(CONTOSO);
  const text = dumpRules(rules ?? never());
  const tightened = text.slice(0, text.indexOf('access:')) + (tightening?.yaml ?? '');
  expect(loadRules(tightened, 'tight.yaml').diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(decide(tightened, 'contoso.com', '/OWA/')).toBe('exchangeServer');
  expect(decide(tightened, 'mail.contoso.com:8443', '/rpc/rpcproxy.dll?x:6001')).toBe('exchangeServer');
  expect(decide(tightened, 'contoso.com', '/EWS/Exchange.asmx')).toBe('exchangeServer');
  expect(decide(tightened, 'contoso.com', '/rpcfoo')).toBe('webServer');
  expect(decide(tightened, 'contoso.com', '/?x=contoso.com/owa')).toBe('webServer');
  expect(decide(tightened, 'notcontoso.com', '/owa')).toBe('denied');
  expect(decide(tightened, 'contosoXcom', '/owa')).toBe('denied');
  expect(decide(tightened, 'www.example.org', '/')).toBe('denied');
});

function importConfig(text: string): ReturnType<typeof importSquid> {
  return importSquid({ files: ['squid.conf'], reader: memoryReader({ 'squid.conf': text }) });
}

function decide(text: string, host: string, target: string): string | undefined {
  const rules = loadRules(text, 'rules.yaml').rules ?? never();
  const listener: Listener = rules.listen[0] ?? never();
  const result = requestFacts(
    { method: 'GET', target, version: '1.1', fields: [['Host', host]] },
    { listener, client: '192.0.2.1' },
  );
  if (result.kind === 'bad') return result.code;
  const decision = route(compileRules(rules), result.facts);
  return decision.access === 'deny' ? 'denied' : decision.upstream;
}

function never(): never {
  throw new Error('the import wrote no rules');
}
