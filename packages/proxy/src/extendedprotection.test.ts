// Room: what is said at the start of the certificates on both sides.
import { createAuthority, type Leaf } from '@outrigger/tools/certs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type LogRecord, recordText } from './accesslog.ts';
import { reportExtendedProtection } from './extendedprotection.ts';
import { openStage, rulesOf } from './testing/stage.ts';

const stage = openStage();
afterEach(() => stage.close());

let mail: Leaf;
let www: Leaf;
const files = new Map<string, string>();
const readFile = (path: string): Buffer => Buffer.from(files.get(path) ?? '');

beforeAll(async () => {
  const authority = await createAuthority();
  mail = await authority.issue({ names: ['mail.a.test'] });
  www = await authority.issue({ names: ['www.a.test', 'other.a.test'] });
  for (const [name, leaf] of Object.entries({ mail, www })) {
    files.set(`${name}.crt`, leaf.certPem).set(`${name}.key`, leaf.keyPem);
  }
  files.set('ca', authority.certPem);
});

/** Exchange with this certificate. */
const exchange = (leaf: Leaf): Promise<number> => stage.server(() => {}, { cert: leaf.certPem, key: leaf.keyPem });

type Given = { server: string; certificates?: string[]; when?: string; upstream?: string; more?: string };

function rulesFor({ server, certificates = ['www', 'mail'], when, upstream = '', more = '' }: Given): string {
  const shown = certificates.map((name) => `{ cert: ${name}.crt, key: ${name}.key }`).join(', ');
  return `
listen:
  - { address: '127.0.0.1:443', name: secure, tls: { certificates: [${shown}] } ${more} }
  - { address: '127.0.0.1:80', name: plain }
upstreams:
  exchange: { servers: ['${server}'], rpcOverHttp: true, tls: { ca: ca, serverName: mail.a.test } ${upstream} }
access: [{ allow: {} }]
routes: [{ ${when === undefined ? '' : `when: { ${when} }, `}to: exchange }]
`;
}

async function told(given: Given, cancel = new AbortController().signal): Promise<string[]> {
  const records: LogRecord[] = [];
  await reportExtendedProtection({
    rules: rulesOf(rulesFor(given)),
    report: (record) => void records.push(record),
    cancel,
    readFile,
  });
  return records.map(recordText);
}

describe('Extended Protection at the start', () => {
  it.each([
    ['hosts: mail.a.test', /^secure note: exchange .* the same certificate.*\[EP_SAME_CERTIFICATE\]$/],
    [undefined, /\[EP_SAME_CERTIFICATE\]$/],
    ['hosts: .a.test', /\[EP_SAME_CERTIFICATE\]$/],
    [
      "hosts: ['www.a.test', 'mail.a.test']",
      /^secure warning: .*clients see for www\.a\.test \(here SHA-256 .*\[EP_OTHER_CERTIFICATE\]$/,
    ],
    ['hosts: other.a.test, path: { prefix: /rpc }', /Put the certificate and key.*\[EP_OTHER_CERTIFICATE\]$/],
  ])('compares what clients of a route with %s see with what Exchange has', async (when, expected) => {
    const server = `https://127.0.0.1:${await exchange(mail)}`;
    expect(await told({ server, ...(when && { when }) })).toEqual([expect.stringMatching(expected)]);
  });

  it('finds another certificate where no name tells which one is meant', async () => {
    const server = `https://127.0.0.1:${await exchange(mail)}`;
    expect(await told({ server, certificates: ['www'] })).toEqual([expect.stringMatching(/every name.*EP_OTHER/)]);
  });

  it('warns of offload, and says that pass-through works', async () => {
    expect(await told({ server: 'http://127.0.0.1:1' })).toEqual([
      expect.stringMatching(/secure warning: .*offload.*\[EP_OFFLOAD\]/),
    ]);
    const port = await exchange(mail);
    const more = ', passThrough: [{ hosts: mail.a.test, to: exchange }]';
    expect(await told({ server: `https://127.0.0.1:${port}`, when: 'listeners: plain', more })).toEqual([
      expect.stringMatching(/^note: exchange: pass-through.*\[EP_PASS_THROUGH\]/),
    ]);
  });

  it('has nothing to say where no route joins a TLS listener with Exchange', async () => {
    const server = `https://127.0.0.1:${await exchange(mail)}`;
    expect(await told({ server, when: 'listeners: plain' })).toEqual([]);
    expect(await told({ server, when: "listeners: '!secure'" })).toEqual([]);
  });

  it('says why it could not look', async () => {
    const closed = await exchange(mail);
    await stage.close();
    expect(await told({ server: `https://127.0.0.1:${closed}` })).toEqual([
      expect.stringMatching(/^note: .*could not be compared.*refused the connection.*\[EP_UNKNOWN\]/),
    ]);
  });

  it('does not wait for a server that is silent, and gives up when it is told to', async () => {
    const server = `https://127.0.0.1:${await stage.server(() => {})}`;
    expect(await told({ server, upstream: ', timeouts: { connect: 50ms }' })).toEqual([
      expect.stringMatching(/\[EP_UNKNOWN\]/),
    ]);
    const cancel = new AbortController();
    const looking = told({ server }, cancel.signal);
    cancel.abort();
    expect(await looking).toEqual([]);
  });
});
