// Room: `node tools/dist/bench/slow.js [CONNECTIONS] [SECONDS] [plain]`: slow clients against the built proxy, as figures.
import { measureSlowClients } from './slowclients.ts';

const [connections = '10000', seconds = '60', transport = 'tls'] = process.argv.slice(2);
const figures = await measureSlowClients({
  connections: Number(connections),
  seconds: Number(seconds),
  tls: transport !== 'plain',
});
console.log(JSON.stringify({ node: process.version, transport, ...figures }, undefined, 2));
