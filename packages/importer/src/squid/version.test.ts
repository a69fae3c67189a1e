import { expect, it } from 'vitest';
import { importSquid, memoryReader } from '../index.ts';

/** The sentence of a report that says as which Squid a file is read. */
function readAs(text: string, squidVersion?: string): string | undefined {
  const { ledger: _ledger, ...rest } = importSquid({
    files: ['squid.conf'],
    reader: memoryReader({ 'squid.conf': `${text}\n` }),
    ...(squidVersion !== undefined && { squidVersion }),
  });
  return JSON.stringify(rest).match(/Read as Squid [^"]*/)?.[0];
}

it.each([
  [
    'httpd_accel_host contoso.com',
    /^Read as Squid 2\.5 reads it: later ones do not start with httpd_accel_host on line 1/,
  ],
  ['http_port 80 accel http11', /^Read as Squid 2\.7 .*http11 in http_port on line 1/],
  ['read_timeout 15', /^Read as Squid 3\.5 .*read_timeout 15 \(no unit\)/],
  ['http_port 80 accel no-vhost', /^Read as Squid 5\.7 reads it: those before 3\.2 do not start with no-vhost/],
  ['hierarchy_stoplist cgi-bin', /hierarchy_stoplist on line 1 of squid\.conf was written for 3\.4 or older/],
  ['http_port 80 accel http11 tls-dh=x', /no Squid starts with both http11 .* and tls-dh/],
])('tells by %s', (text, sentence) => {
  expect(readAs(text)).toMatch(sentence);
});

it('believes who says it', () => {
  expect(readAs('httpd_accel_host contoso.com', '3.5.28')).toBe('Read as Squid 3.5 reads it, as was said.');
});

it('says nothing where nothing decides', () => {
  expect(readAs('http_port 80 accel')).toBeUndefined();
});
