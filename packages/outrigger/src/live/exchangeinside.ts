// Room: the stand-in Exchange as a process of its own, inside the network of a live test.
import { fileURLToPath } from 'node:url';
import type { Network } from './network.ts';
import { type Watched, watch } from './witness.ts';

const EXCHANGE = fileURLToPath(new URL('../../../../tools/dist/exchange/index.js', import.meta.url));

/** Starts it with TLS and one user, LAB\\lab with the password Secret1. */
export async function startExchangeInside(
  network: Network,
  host: string,
  port: number,
  files: { cert: string; key: string },
): Promise<Watched> {
  const script = `import { readFileSync } from 'node:fs';
import { startExchange } from ${JSON.stringify(EXCHANGE)};
const [cert, key] = ${JSON.stringify([files.cert, files.key])}.map((file) => readFileSync(file, 'utf8'));
const users = [{ user: 'lab', password: 'Secret1', domain: 'LAB' }];
const { address } = await startExchange({ host: '${host}', port: ${port}, tls: { cert, key }, users });
console.log('exchange on ' + address);`;
  const [program, ...args] = network.inside(process.execPath, '--input-type=module', '-e', script);
  const exchange = watch(program, args);
  await exchange.until(/exchange on/);
  return exchange;
}
