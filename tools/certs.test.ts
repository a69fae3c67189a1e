import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { type AddressInfo, connect as netConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { expect, it } from 'vitest';
import { createAuthority, type Leaf, saveLeaf } from './certs.ts';

/** One handshake on loopback; `ok` or the code of what the client found wrong. */
async function handshake(leaf: Leaf, client: tls.ConnectionOptions): Promise<string> {
  const server = tls.createServer({ cert: leaf.certPem, key: leaf.keyPem }, (socket) => socket.end());
  server.on('tlsClientError', () => {}); // the client's refusal is what is asked about
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  try {
    return await new Promise((done) => {
      const socket = tls.connect({ socket: netConnect(port, '127.0.0.1'), ...client });
      socket.once('secureConnect', () => done('ok'));
      socket.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    });
  } finally {
    await new Promise((done) => server.close(done));
  }
}

for (const keyType of ['ec', 'rsa'] as const) {
  it(`issues ${keyType} certificates that verify for their DNS names and addresses, and for no other`, async () => {
    const authority = await createAuthority();
    const leaf = await authority.issue({ names: ['mail.contoso.com', '127.0.0.1'], keyType });
    const ca = authority.certPem;
    expect(await handshake(leaf, { ca, servername: 'mail.contoso.com' })).toBe('ok');
    expect(await handshake(leaf, { ca, host: '127.0.0.1' })).toBe('ok');
    expect(await handshake(leaf, { ca, servername: 'www.contoso.com' })).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(new X509Certificate(leaf.certPem).publicKey.asymmetricKeyType).toBe(keyType);
  });
}

it('makes each authority its own: one does not verify what another issued', async () => {
  const [mine, other] = [await createAuthority(), await createAuthority()];
  const leaf = await mine.issue({ names: ['mail.contoso.com'] });
  expect(await handshake(leaf, { ca: other.certPem, servername: 'mail.contoso.com' })).not.toBe('ok');
});

it('saves a leaf into the folder it is given, the key readable by its owner only', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'certs-'));
  try {
    const leaf = await (await createAuthority()).issue({ names: ['contoso.com'] });
    const { cert, key } = await saveLeaf(leaf, folder, 'contoso_com');
    expect(await readFile(cert, 'utf8')).toBe(leaf.certPem);
    expect((await stat(key)).mode & 0o777).toBe(0o600);
  } finally {
    await rm(folder, { recursive: true });
  }
});
