// Room: what has to work before anyone believes it: the websites, and Outlook from the outside, through the running proxy.
import type { ConnectionOptions } from 'node:tls';
import { ANNA, type Exchange } from '../exchange/index.ts';
import { numberedPdu } from '../exchange/pdu.ts';
import { field } from '../message.ts';
import { openVirtualConnection, type VirtualConnection } from '../outlook/index.ts';
import { connect, expectResponse } from '../wire.ts';
import type { Account } from './account.ts';

export type ProofOptions = {
  to: { host: string; port: number; tls: ConnectionOptions };
  /** Host without a port: with one, no pattern of the old configuration matches. */
  host: string;
  exchange: Exchange;
};

/** Numbered PDUs sent each way, and bytes of the largest: as Outlook's run, 5,840 bytes at most. */
const PDUS = 64;
const LARGEST = 5_840;
/** The RPC server asked for. Autodiscover would name it; the old configuration does not route Autodiscover to Exchange. */
const RPC_SERVER = 'mbx1:6001';

/** A step that did not do what it says. */
class Disproof extends Error {}

/** Runs all steps and tells each; false, with the step told, where one fails. */
export async function prove(options: ProofOptions, account: Account): Promise<boolean> {
  let outlook: VirtualConnection | undefined;
  const open = () => {
    if (outlook === undefined) throw new Disproof('there is no virtual connection');
    return outlook;
  };
  const steps: [name: string, run: () => Promise<unknown>][] = [
    ['a page of the website comes from Apache', () => page(options, '/', 'apache')],
    ['a page of Outlook on the web comes from Exchange', () => page(options, '/owa/', 'exchange')],
    [
      `Outlook opens a virtual connection to ${RPC_SERVER}: RPC_OUT_DATA and RPC_IN_DATA, NTLM on each connection`,
      async () => {
        outlook = await openVirtualConnection({
          connect: options.to,
          host: options.host,
          server: RPC_SERVER,
          credentials: ANNA,
        });
        return outlook.transcript
          .map(({ at, channel, what }) => `${String(at).padStart(5)} ms  ${channel.padEnd(4)}  ${what}`)
          .join('\n');
      },
    ],
    ['RTS pings arrive both ways', () => ping(options.exchange, open())],
    [`${PDUS} numbered PDUs go in on IN and come back on OUT, byte for byte`, () => echo(open())],
    ['Exchange saw one login per connection, none of them moved', () => logins(options.exchange)],
    ['Outlook half-closes IN; Exchange ends OUT', () => end(open())],
  ];
  for (const [name, run] of steps) {
    const started = performance.now();
    try {
      const detail = await run();
      account.done(name, performance.now() - started);
      if (typeof detail === 'string') account.detail(detail);
    } catch (error) {
      account.failed(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      await outlook?.close();
      return false;
    }
  }
  await outlook?.close();
  return true;
}

async function page({ to, host }: ProofOptions, target: string, standIn: string): Promise<void> {
  const wire = await connect(to);
  try {
    await wire.send(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    const { status, fields } = await expectResponse(wire);
    const answered = field(fields, 'x-stand-in') ?? 'neither server';
    if (status !== 200 || answered !== standIn) throw new Disproof(`${target} was answered ${status} by ${answered}`);
  } finally {
    await wire.close();
  }
}

async function ping(exchange: Exchange, outlook: VirtualConnection): Promise<void> {
  await outlook.ping();
  await exchange.until('a ping on IN', (event) => event.kind === 'pdu' && event.name === 'Ping');
  await exchange.virtualConnections[0]?.ping();
  await exchangePdu(outlook, 0); // the answer comes after the ping, so the ping has been read when it is there
  if (outlook.pings !== 1) throw new Disproof("no ping on OUT: the server's did not arrive");
}

async function echo(outlook: VirtualConnection): Promise<string> {
  let bytes = 0;
  for (let number = 1; number <= PDUS; number += 1) bytes += await exchangePdu(outlook, number);
  return `${bytes} bytes each way`;
}

/** Sends one PDU and holds what comes back against it. */
async function exchangePdu(outlook: VirtualConnection, number: number): Promise<number> {
  const pdu = numberedPdu(number, Math.min(LARGEST, 24 + 97 * number));
  await outlook.send(pdu);
  const received = await outlook.receive();
  if (received.kind !== 'pdu') throw new Disproof(`PDU ${number} did not come back: OUT is ${received.kind}`);
  if (!received.pdu.equals(pdu)) throw new Disproof(`PDU ${number} came back altered`);
  return pdu.length;
}

async function logins({ events }: Exchange): Promise<string> {
  const split = events.find(({ kind }) => kind === 'ntlm-split');
  if (split !== undefined) throw new Disproof('an NTLM type 3 arrived on another connection than its type 2');
  const users = events.flatMap((event) => (event.kind === 'authenticated' ? [event] : []));
  const connections = new Set(users.map(({ connection }) => connection));
  if (connections.size !== 2) throw new Disproof(`logins on ${connections.size} connections, not 2`);
  return users.map(({ connection, user }) => `connection ${connection}: ${user}`).join('\n');
}

async function end(outlook: VirtualConnection): Promise<void> {
  outlook.halfCloseIn();
  const received = await outlook.receive();
  if (received.kind !== 'ended') throw new Disproof(`OUT is ${received.kind} instead`);
}
