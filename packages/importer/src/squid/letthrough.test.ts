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

it('says of each way whether tighter rules close it', () => {
  const { letThrough } = importConfig(CONTOSO);
  expect(letThrough.map(({ code, tightened }) => [code, tightened])).toEqual([
    ['LET_THROUGH_HOST_SUFFIX', 'webServer'],
    ['LET_THROUGH_ANY_CHARACTER', 'webServer'],
    ['LET_THROUGH_LONGER_WORD', 'webServer'],
    ['LET_THROUGH_QUERY', 'webServer'],
    ['LET_THROUGH_OTHER_PORT', undefined],
    ['LET_THROUGH_EXCHANGE_PATH', undefined],
    ['LET_THROUGH_FOREIGN_HOST', undefined],
  ]);
});

it('gives access lines to paste that load and close what they are said to', () => {
  const { rules, letThrough } = importConfig(CONTOSO);
  const line = / - (\{ deny: .*\})$/.exec(letThrough.at(-1)?.hint ?? '')?.[1];
  const text = dumpRules(rules ?? never()).replace('access:\n', `access:\n  - ${line}\n`);
  expect(loadRules(text, 'pasted.yaml').diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(decide(text, 'www.example.org', '/')).toBe('denied');
  expect(decide(text, 'mail.contoso.com', '/owa')).toBe('exchangeServer');
});

function importConfig(text: string): ReturnType<typeof importSquid> {
  return importSquid({ files: ['squid.conf'], reader: memoryReader({ 'squid.conf': text }) });
}

function decide(text: string, host: string, target: string): string | undefined {
  const rules = loadRules(text, 'rules.yaml').rules ?? never();
  const listener: Listener = rules.listen[0] ?? never();
  const result = requestFacts(
    { method: 'GET', target, version: '1.1', fields: [['Host', host]] },
    { listener, client: '192.0.2.1', time: { day: 'wed', minute: 720 } },
  );
  if (result.kind === 'bad') return result.code;
  const decision = route(compileRules(rules), result.facts);
  return decision.access === 'deny' ? 'denied' : decision.upstream;
}

function never(): never {
  throw new Error('the import wrote no rules');
}
