import { describe, expect, it } from 'vitest';
import { memoryReader } from '../source.ts';
import { everyKnownDirective } from './directives.ts';
import { type Effect, effectOf, NAMES } from './effects.ts';
import { importApache } from './import.ts';
import { everyNode } from './settings.ts';
import { readEffectRows } from './testing/effectrows.ts';
import { treeOf } from './testing/stage.ts';

// The table against what Apache 2.4.71 was seen to do with each line (effects.live.test.ts asks again).

const rows = readEffectRows();

/** Rooms of the table that no request can show: the line is gone when requests come, or Apache does not start with it. */
const UNSHOWN = /done with when the file is read|does not start with it/;
/** What needs more than a line: maps and scripts, files of keys, sections of files; and what its module no longer takes. */
const NOT_TRIED =
  /^(?:proxyexpress|lua|multiviewsmatch|<files|fancyindexing|extfilter|sessioncryptopassphrasefile|undefmacro|ldaptrustedclientcert)/;

function configOf(line: string): Record<string, string> {
  return {
    'httpd.conf': [
      'Listen 443',
      '<VirtualHost *:443>',
      'ServerName mail.test',
      'SSLEngine On',
      'SSLCertificateFile /etc/ssl/mail.pem',
      'ProxyPass /owa http://exch.test:8080/owa',
      '<Location /owa>',
      line.replaceAll('\\n', '\n'),
      '</Location>',
      '</VirtualHost>',
      '',
    ].join('\n'),
  };
}

function effectsIn(line: string): (Effect | undefined)[] {
  const { nodes } = treeOf(configOf(line));
  const section = [...everyNode(nodes)].find(({ key }) => key === 'location');
  return section?.kind === 'section' ? section.children.map((node) => effectOf(node, 'section')) : [];
}

describe('effects', () => {
  it('has every directive that may stand in a section', () => {
    const inside = everyKnownDirective().filter(({ place }) => place === 'anywhere' || place === 'inside');
    expect(inside.length).toBeGreaterThan(380);
    expect(inside.map(({ name }) => name).filter((name) => !NAMES.has(name.toLowerCase()))).toEqual([]);
  });

  it.each(rows.filter(({ effects }) => effects.length > 0))('says of $line that it does something', ({ line }) => {
    const kinds = effectsIn(line).map((effect) => effect?.kind ?? 'none');
    expect(kinds.some((kind) => kind !== 'none')).toBe(true);
  });

  it('calls nothing without effect that was never tried', () => {
    const tried = new Set(
      rows.flatMap(({ line }) => line.split('\\n')).map((each) => each.replace(/[ >].*$/, '').toLowerCase()),
    );
    const untried = everyKnownDirective()
      .filter(({ place }) => place === 'anywhere' || place === 'inside')
      .map(({ name }) => name.toLowerCase())
      .filter((name) => {
        const [effect] = effectsIn(name.startsWith('<') ? `${name} x>\\n</${name.slice(1)}>` : name);
        const isShown = effect?.kind === 'none' && !UNSHOWN.test(effect.reason);
        return isShown && !NOT_TRIED.test(name) && !tried.has(name);
      });
    expect(untried).toEqual([]);
  });
});

describe('an import', () => {
  const plain = importApache({ path: '', reader: memoryReader(configOf('Options None')) }).rules;
  const saidBy = (rules: typeof plain): string =>
    JSON.stringify([rules?.access, rules?.routes, [...(rules?.upstreams ?? [])]]);

  // What Apache does with a request is in the rules, or in the report, or the path stays.
  it.each(rows.filter(({ effects }) => effects.length > 0))('drops $line nowhere in silence', ({ line }) => {
    const { rules, ledger } = importApache({ path: '', reader: memoryReader(configOf(line)) });
    const hasMoved = rules?.upstreams.has('exchange') === true;
    const own = ledger.filter(({ at }) => at.line > 7 && at.line < 8 + line.split('\\n').length);
    const isSaid = own.some(({ remarks }) => remarks.some(({ disposition }) => disposition !== 'irrelevant'));
    expect(!hasMoved || isSaid || saidBy(rules) !== saidBy(plain)).toBe(true);
  });
});
