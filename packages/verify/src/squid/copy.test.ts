import { memoryReader } from '@outrigger/importer';
import { expect, it } from 'vitest';
import { copySquid } from './copy.ts';
import type { Place } from './reading.ts';

const PLACE: Place = {
  folder: '/copy',
  run: '/copy/run',
  names: ['x.test'],
  addresses: ['192.0.2.1'],
  portOf: (address) => 40_000 + Number(/\d+$/.exec(address)?.[0]),
  serverPortOf: (peer) => ({ web: 50_001, exch: 50_002 })[peer] ?? 50_000,
  cert: '/copy/entrance.crt',
  key: '/copy/entrance.key',
  ca: '/copy/authority.crt',
};

function copied(text: string, others: Record<string, string> = {}) {
  const copy = copySquid({ files: ['squid.conf'], reader: memoryReader({ 'squid.conf': text, ...others }) });
  const files = copy.write(PLACE);
  return { copy, files, lines: (files['copy-0.conf'] ?? '').split('\n') };
}

it('leaves lines that touch nothing of the machine as they are, byte for byte', () => {
  const text = '# c \\\r\nacl x url_regex -i \\\n# inside\n  \\.php$ \\\n  ^/\xe9\nhttp_access allow x # why\n';
  expect(copied(text).files['copy-0.conf']).toBe(text);
});

it('moves ports to loopback and keeps the name that myportname compares', () => {
  const { lines, copy } = copied(
    'http_port 203.0.113.10:80 accel vhost\nhttps_port 443 accel cert=/a.crt key=/a.key cipher=HIGH defaultsite=x.test name=tls\n',
  );
  expect(lines[0]).toBe('http_port 127.0.0.1:40080 accel vhost name=203.0.113.10:80');
  expect(lines[1]).toBe(
    'https_port 127.0.0.1:40443 accel defaultsite=x.test name=tls cert=/copy/entrance.crt key=/copy/entrance.key',
  );
  expect(copy.entrances.map(({ name, address, tls }) => [name, address, tls])).toEqual([
    ['203.0.113.10:80', '203.0.113.10:80', false],
    ['tls', '*:443', true],
  ]);
});

it('gives two port lines on one address one port, so that the second fails as it did', () => {
  const { lines, copy } = copied('http_port 80 accel\nhttp_port 0.0.0.0:80 accel name=second\n');
  expect(lines[1]).toBe('http_port 127.0.0.1:40080 accel name=second');
  expect(copy.entrances).toHaveLength(1);
});

it('moves peers to stand-ins, without passwords', () => {
  const { lines, copy } = copied(
    'cache_peer 10.1.1.14 parent 443 3130 originserver ssl sslflags=DONT_VERIFY_PEER login=admin:secret name=exch\ncache_peer web parent 80 0 originserver login=PASS\n',
  );
  expect(lines[0]).toBe(
    'cache_peer 127.0.0.1 parent 50002 0 originserver ssl sslflags=DONT_VERIFY_PEER login=admin:verify name=exch no-query no-digest no-netdb-exchange sslcafile=/copy/authority.crt',
  );
  expect(lines[1]).toBe(
    'cache_peer 127.0.0.1 parent 50001 0 originserver login=PASS no-query no-digest no-netdb-exchange name=web',
  );
  expect(copy.servers.map(({ name, url }) => [name, url])).toEqual([
    ['exch', 'https://10.1.1.14:443'],
    ['web', 'http://web:80'],
  ]);
});

it('keeps of TLS towards a peer whom it is for and whether that is checked, and finds a peer by its name', () => {
  const { lines, files } = copied(
    'cache_peer exch.lan parent 443 0 tls tls-cafile=/a.pem sslcert=/c.pem tls-min-version=1.3 sslflags=NO_DEFAULT_CA,VERIFY_CRL\ncache_peer 10.0.0.1 parent 443 0 ssldomain=mail.test name=exch\n',
  );
  expect(lines[0]).toBe(
    'cache_peer exch.lan parent 50000 0 tls sslflags=NO_DEFAULT_CA, no-query no-digest no-netdb-exchange sslcafile=/copy/authority.crt name=exch.lan',
  );
  expect(lines[1]).toBe(
    'cache_peer 127.0.0.1 parent 50002 0 ssldomain=mail.test name=exch no-query no-digest no-netdb-exchange sslcafile=/copy/authority.crt',
  );
  expect(files.hosts).toContain('127.0.0.1 exch.lan\n');
});

it('names acls in deny_info by what miss_access calls them as well', () => {
  const { lines } = copied(
    'acl a src 10.0.0.1\nacl b method GET\nmiss_access deny a\ndeny_info 404:ERR_X b a # why\ndeny_info ERR_Y b # why\n',
  );
  expect(lines.slice(2, 5)).toEqual([
    'miss_access deny outrigger_was_0',
    'deny_info 404:ERR_X b a outrigger_was_0',
    'deny_info ERR_Y b # why',
  ]);
});

it('moves the ports that localport names, and makes one that is not served match nothing', () => {
  const { lines } = copied('http_port 80 accel\nhttp_port 8080 accel\nacl a localport 1-100 8080\nacl b myport 99\n');
  expect(lines[2]).toBe('acl a localport 40080 48080');
  expect(lines[3]).toBe('acl b myport 1');
});

it('tells addresses apart where localip does, each by one of loopback, and makes one that no port has match nobody', () => {
  const { lines, copy } = copied(
    'http_port 203.0.113.1:80 accel\nhttp_port 203.0.113.2:80 accel\nhttp_port 81 accel\nacl a localip 203.0.113.0/24\nacl b myip 203.0.113.2\nacl c localip 10.0.0.1\n',
  );
  expect(lines.slice(0, 3).map((line) => line.split(' ')[1])).toEqual([
    '127.0.1.1:40080',
    '127.0.1.2:40080',
    '127.0.0.1:40081',
  ]);
  expect(lines.slice(3, 6)).toEqual([
    'acl a localip 127.0.1.0/24',
    'acl b myip 127.0.1.2',
    'acl c localip 255.255.255.255',
  ]);
  expect(copy.hostOf('203.0.113.2:80')).toBe('127.0.1.2');
});

it('leaves a range of localip a range over the same ports, in whatever order they stand, so that Squid drops it where it overlaps', () => {
  const { lines } = copied(
    'http_port 10.2.0.1:80 accel\nhttp_port 10.1.0.2:80 accel\nhttp_port 10.1.0.1:80 accel\nacl a localip 10.1.0.2 10.1.0.0/24\n',
  );
  expect(lines.slice(0, 4)).toEqual([
    expect.stringContaining('127.0.1.3:'),
    expect.stringContaining('127.0.1.2:'),
    expect.stringContaining('127.0.1.1:'),
    'acl a localip 127.0.1.2 127.0.1.1-127.0.1.2',
  ]);
});

it('has pages of errors and their style sheet beside it, and none that is not there', () => {
  const { files, lines } = copied('error_directory errors\nerr_page_stylesheet page.css\nerror_directory /nowhere\n', {
    'errors/ERR_A': 'a',
    'errors/sub/ERR_B': 'b',
    'page.css': 'c',
  });
  expect(lines.slice(0, 3)).toEqual([
    'error_directory /copy/errors-0-1',
    'err_page_stylesheet /copy/style-0-2.css',
    'error_directory /copy/errors-0-3',
  ]);
  expect(Object.entries(files).filter(([, text]) => /^[abc]$/.test(text))).toEqual([
    ['errors-0-1/ERR_A', 'a'],
    ['style-0-2.css', 'c'],
  ]);
});

it('keeps the number of each line where a directive goes over several', () => {
  const { lines } = copied('acl a src all\ncache_peer web \\\n# between\n  parent 80 0 originserver\nacl b src all\n');
  expect(lines[1]).toMatch(/^cache_peer 127\.0\.0\.1/);
  expect(lines.slice(2, 5)).toEqual(['', '', 'acl b src all']);
});

it.each([
  'url_rewrite_program /bin/x',
  'external_acl_type t %SRC /bin/x',
  'auth_param basic program /bin/x',
  'sslpassword_program /bin/x',
  'logfile_daemon /bin/x',
  'unlinkd_program /bin/x',
  'some_later_program /bin/x',
  'url_rewrite_\\\nprogram /bin/x',
  `# ${'x'.repeat(8_189)}url_rewrite_program /bin/x`,
  'include !/bin/x',
  'include |/bin/x',
  'include other.conf !/bin/x',
  'icap_service s reqmod_precache icap://10.0.0.1/x',
])('takes out what would run a program: %s', (line) => {
  const { files, copy } = copied(`${line}\nacl a src all\n`);
  expect(Object.values(files).join('\n')).not.toMatch(/\/bin\/x|icap:/);
  expect(copy.takenOut.map(({ code }) => code)).toEqual(['COMMAND_TAKEN_OUT']);
});

it('lets an acl of a helper match nothing, and says so', () => {
  const { lines, copy } = copied(
    'auth_param basic program /bin/x\nacl user proxy_auth REQUIRED\nhttp_access allow user\n',
  );
  expect(lines).toEqual(['', 'acl user src 255.255.255.255', 'http_access allow user', '']);
  expect(copy.takenOut.map(({ at }) => at.line)).toEqual([1, 2]);
});

it('goes on with the file’s own follow_x_forwarded_for one step behind the address that probes come from', () => {
  const { lines, files } = copied(
    'acl lb src 10.0.0.1\nfollow_x_forwarded_for allow lb # the balancer\nhttp_access allow lb\n',
  );
  expect(files['squid.conf']?.split('\n').slice(0, 3)).toEqual([
    'acl outrigger_probe src 127.84.79.82',
    'follow_x_forwarded_for allow outrigger_probe',
    'include /copy/copy-0.conf',
  ]);
  expect(lines[1]).toBe('follow_x_forwarded_for allow lb # the balancer');
  expect(files['squid.conf']).toContain('follow_x_forwarded_for deny all\n');
});

it('keeps what stands behind a last line of follow_x_forwarded_for that denies', () => {
  const { files } = copied('acl lb src 10.0.0.1\nfollow_x_forwarded_for deny lb\n');
  expect(files['squid.conf']).toContain('follow_x_forwarded_for allow all\n');
});

it('follows nobody but probes where acls shall see who connects', () => {
  const { lines, files } = copied('follow_x_forwarded_for deny localhost\nacl_uses_indirect_client off\n');
  expect(lines).toEqual(['', '', '']);
  expect(files['squid.conf']).toContain('follow_x_forwarded_for deny all\n');
});

it('asks acls of miss_access one step back, inside groups too, and lets it ask what they said', () => {
  const { lines, files } = copied(
    'acl lb src 10.0.0.1\nacl old urlpath_regex ^/old\nacl both all-of lb old\nfollow_x_forwarded_for allow lb\nmiss_access deny !both old LOCALHOST\n',
  );
  expect(lines.slice(3, 5)).toEqual([
    'follow_x_forwarded_for allow outrigger_asked lb',
    'miss_access deny !outrigger_was_0 old outrigger_was_1',
  ]);
  expect(files['squid.conf']).toContain(
    'follow_x_forwarded_for deny !outrigger_asked both outrigger_note_0 !all\nacl outrigger_note_1',
  );
});

it('follows includes and files of values into copies of their own', () => {
  const { files, copy } = copied(
    'include conf.d/*.conf\nacl x dstdomain "names" y.test\nhttp_access deny "nothing"\n',
    {
      'conf.d/b.conf': 'acl b src all\n',
      'conf.d/a.conf': 'pid_filename /run/squid.pid\n',
      names: 'x.test\n',
    },
  );
  expect(files['copy-0.conf']).toBe(
    'include /copy/copy-1.conf /copy/copy-2.conf\nacl x dstdomain "/copy/values-0.txt" y.test\nhttp_access deny "/copy/absent-0.conf"\n',
  );
  expect([files['copy-1.conf'], files['copy-2.conf'], files['values-0.txt']]).toEqual([
    '\n',
    'acl b src all\n',
    'x.test\n',
  ]);
  expect(copy.original('FATAL: Bungled /copy/copy-2.conf line 1')).toBe('FATAL: Bungled conf.d/b.conf line 1');
  expect(copy.original('Can not open file /copy/absent-0.conf for reading')).toBe(
    'Can not open file nothing for reading',
  );
});

it('takes a quote for a quote and parameters() for a file where the config says so', () => {
  const { lines, files } = copied(
    'configuration_includes_quoted_values on\nacl x dstdomain parameters("names") y.test\nacl z dstdomain "names"\n',
    { names: 'x.test\n' },
  );
  expect(lines.slice(1, 3)).toEqual([
    'acl x dstdomain parameters("/copy/values-0.txt") y.test',
    'acl z dstdomain "names"',
  ]);
  expect(files['values-0.txt']).toBe('x.test\n');
});

it('gives macros the values of a daemon with one worker, which the copy is not', () => {
  const macro = (name: string): string => `$\{${name}}`;
  const line = `acl x urlpath_regex ^/${macro('service_name')}${macro('process_number')}${macro('HOME')}`;
  expect(copied(`${line}\n`).lines[0]).toBe(`acl x urlpath_regex ^/squid1${macro('HOME')}`);
});

it('stops where a file includes itself, as Squid does', () => {
  const { files } = copied('include loop.conf\n', { 'loop.conf': 'include loop.conf\n' });
  expect(Object.keys(files).length).toBeLessThan(25);
});
