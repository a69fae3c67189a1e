// One walker over all cases: what an import writes, what its report says, and where requests go, held against what a real
// Squid did. UPDATE_GOLDEN=1 rewrites rules and reports; verdicts are observations and are never rewritten.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CompiledRules,
  compileRules,
  dumpRules,
  loadRules,
  type RuleSet,
  requestFacts,
  route,
} from '@outrigger/rules';
import { describe, expect, it } from 'vitest';
import { reportText } from '../index.ts';
import { expectFile, FIXTURES, filesOfCase, importCase, withoutPlaces } from '../testing/goldencase.ts';
import { ledgerErrors } from '../testing/ledgercount.ts';

const cases = ['contoso', ...readdirSync(join(FIXTURES, 'squid')).map((name) => `squid/${name}`)];

describe.each(cases)('%s', (name) => {
  const folder = join(FIXTURES, name);
  const translation = importCase(folder);
  const text = translation.rules === undefined ? undefined : dumpRules(translation.rules);

  it('writes the rules', () => {
    expectFile(join(folder, 'outrigger.yaml'), text ?? '# no rules\n');
  });

  it('reports', () => {
    expectFile(join(folder, 'report.txt'), reportText(translation));
  });

  itIf(existsSync(join(folder, 'verdicts.tsv')), 'decides as Squid did', () => {
    const rules = translation.rules === undefined ? undefined : compileRules(translation.rules);
    const rows = readVerdicts(join(folder, 'verdicts.tsv'));
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.map((row) => [...row.request, verdictOf(rules, row)])).toEqual(
      rows.map((row) => [...row.request, row.verdict]),
    );
  });

  it('accounts for every directive once', () => {
    expect(ledgerErrors(translation, filesOfCase(folder))).toEqual([]);
  });

  itIf(translation.rules !== undefined, 'names the line each rule came from', () => {
    const rules = translation.rules as RuleSet;
    for (const item of [...rules.listen, ...rules.upstreams.values(), ...rules.access, ...rules.routes]) {
      expect(item.from?.length).toBeGreaterThan(0);
    }
  });

  itIf(text !== undefined, 'writes rules that load as what was written', () => {
    const loaded = loadRules(text ?? '', 'outrigger.yaml');
    expect(text).not.toMatch(/[&*]a\d/);
    expect(loaded.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(withoutPlaces(loaded.rules as RuleSet)).toEqual(withoutPlaces(translation.rules as RuleSet));
  });
});

/** A case without rules or verdicts has nothing to ask here, which is not the same as a test that was skipped. */
function itIf(applies: boolean, name: string, test: () => void): void {
  if (applies) it(name, test);
}

type Row = {
  request: string[];
  method: string;
  target: string;
  host: string;
  verdict: string;
  options: Map<string, string>;
};

/** Columns: method, target, Host or (none), verdict, then `listener=`, `client=` or a field as `Name: value`. */
function readVerdicts(path: string): Row[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [method = '', target = '', host = '', verdict = '', ...rest] = line.split('\t');
      const options = new Map(rest.map((option) => option.split(/=|: /, 2) as [string, string]));
      return { request: [method, target, host, ...rest], method, target, host, verdict, options };
    });
}

/** Name of the upstream, `denied`, `reset`, or `none` where nobody takes the request. Announced refusals name the upstream. */
function verdictOf(rules: CompiledRules | undefined, { method, target, host, options }: Row): string {
  if (rules === undefined) return 'none';
  const wanted = options.get('listener');
  const listener = rules.ruleSet.listen.find(
    ({ address, name }) => wanted === undefined || wanted === address || wanted === name,
  );
  if (listener === undefined) return 'no listener';
  const fields = [...options].filter(([name]) => /^[A-Z]/.test(name));
  const head =
    host === '(none)'
      ? { method, target, version: '1.0' as const, fields }
      : { method, target, version: '1.1' as const, fields: [['Host', host] as [string, string], ...fields] };
  const result = requestFacts(head, { listener, client: options.get('client') ?? '127.0.0.1' });
  if (result.kind === 'bad') return 'bad request';
  const decision = route(rules, result.facts);
  if (decision.access === 'deny') return decision.answer === 'reset' ? 'reset' : 'denied';
  return decision.upstream ?? 'none';
}
