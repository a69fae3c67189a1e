import { describe, expect, it } from 'vitest';
import { dumpRules } from './index.ts';
import { LOG_FORMATS, logFormatError } from './logformat.ts';
import { findings, load, rulesText } from './testing/rules.ts';

const logging = (log: string): string => `${rulesText()}accessLog: ${log}\n`;

describe('access logs in a rules file', () => {
  it('know every format that has a name', () => {
    for (const format of ['text', 'json', ...Object.keys(LOG_FORMATS)]) expect(logFormatError(format)).toBeUndefined();
    for (const template of Object.values(LOG_FORMATS)) expect(logFormatError(template)).toBeUndefined();
  });

  it.each<[string, RegExp | undefined]>([
    ['{ file: a.log }', undefined],
    ["{ file: a.log, format: '{client} {time:%Y-%m-%dT%H:%M:%S%z} {request:X-Id|quoted}' }", undefined],
    ["[{ file: a.log, format: combined, when: { hosts: '!a.test' } }, { file: b.log, format: squid }]", undefined],
    ['{ file: a.log, format: combind }', /combind is no format; there are text, json, common.*RULES_BAD_LOG/],
    ["{ file: a.log, format: '{user}' }", /\{user\} is not known here; there are client,.*RULES_BAD_LOG/],
    ["{ file: a.log, format: '{client:x}' }", /is not known here/],
    ["{ file: a.log, format: '{time:%Q}' }", /is not known here/],
    ["{ file: a.log, format: '{client|shell}' }", /is not known here/],
    ["{ file: a.log, format: '{request}' }", /is not known here/],
    ["{ file: a.log, format: '{' }", /is no placeholder/],
    [
      "{ file: a.log, format: '{request:Authorization}' }",
      /warning: \{request:Authorization\} lets somebody in.*RULES_LOG_SECRET/,
    ],
    ["{ file: a.log, format: '{response:set-cookie|quoted}' }", /RULES_LOG_SECRET/],
    ['{ file: a.log, when: { clients: x } }', /x is not an address.*RULES_BAD_CLIENTS/],
    ['{ format: common }', /file is missing here/],
  ])('%s', (log, finding) => {
    if (finding === undefined) expect(findings(logging(log))).toEqual([]);
    else expect(findings(logging(log)).join('\n')).toMatch(finding);
  });

  it('come back from a dump as they went', () => {
    const rules = load(logging('[{ file: a.log }, { file: b.log, format: squid, when: { path: { prefix: /a } } }]'));
    expect(load(dumpRules(rules)).accessLog).toEqual(rules.accessLog);
    expect(rules.accessLog?.[0]).toEqual({ file: 'a.log', format: 'text' });
  });
});
