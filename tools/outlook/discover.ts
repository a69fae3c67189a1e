// Room: Autodiscover as Outlook asks for it (MS-OXDSCLI, plain old XML).
import { XMLBuilder, XMLParser } from 'fast-xml-parser';
import { connect } from '../wire.ts';
import { type Login, request, sayHead } from './handshake.ts';
import type { OutlookOptions } from './opening.ts';

export type DiscoverOptions = Pick<OutlookOptions, 'connect' | 'host' | 'credentials' | 'auth' | 'patience'> & {
  emailAddress: string;
  path?: string;
};

/** `settings`: what a profile needs; `failed`: the step that is missing, in words. */
export type Discovered =
  | { kind: 'settings'; rpcProxy: string; mailboxServer: string; authPackage: string; ssl: boolean }
  | { kind: 'failed'; step: string };

type Protocol = { Type?: string; Server?: string; SSL?: string; AuthPackage?: string };
type Answer = {
  Autodiscover?: {
    Response?: { Error?: { ErrorCode?: string; Message?: string }; Account?: { Protocol?: Protocol[] } };
  };
};

const PATIENCE = 5_000;

/** Asks for the settings of one mailbox. */
export async function discover(options: DiscoverOptions): Promise<Discovered> {
  const { path = '/autodiscover/autodiscover.xml', patience = PATIENCE, connect: to } = options;
  const wire = await connect(to).catch((error: Error) => error);
  if (wire instanceof Error) return failed(`no connection: ${wire.message}`);
  const login: Login = { auth: options.auth ?? 'ntlm', credentials: options.credentials };
  const ask = {
    method: 'POST',
    target: path,
    version: '1.1' as const,
    fields: [
      ['Host', options.host ?? to.host],
      ['Content-Type', 'text/xml'],
      ['User-Agent', 'Microsoft Office/16.0'],
    ] as [string, string][],
    body: Buffer.from(question(options.emailAddress)),
  };
  const read = await request(wire, ask, login, patience);
  await wire.close();
  if (read.kind === 'failed') return failed(read.step);
  if (read.response.status !== 200) return failed(sayHead(read.response));
  return settingsIn(read.response.body.toString('utf8'));
}

/** What an answer says (MS-OXDSCLI 2.2.4): an error of its own, or the protocols of an account. */
export function settingsIn(answer: string): Discovered {
  let document: Answer;
  try {
    document = new XMLParser({
      removeNSPrefix: true,
      parseTagValue: false,
      isArray: (name) => name === 'Protocol',
    }).parse(answer, true);
  } catch {
    return failed('the answer is no XML');
  }
  const { Error: error, Account: account } = document.Autodiscover?.Response ?? {};
  if (error !== undefined) return failed(`error ${error.ErrorCode}: ${error.Message}`);
  const protocols = account?.Protocol ?? [];
  const [exch, expr] = ['EXCH', 'EXPR'].map((type) => protocols.find((protocol) => protocol.Type === type));
  if (exch?.Server === undefined) return failed('the answer names no mailbox server (Protocol EXCH)');
  if (expr?.Server === undefined)
    return failed('the answer names no RPC proxy (Protocol EXPR): Outlook Anywhere is off');
  return {
    kind: 'settings',
    rpcProxy: expr.Server,
    mailboxServer: exch.Server,
    authPackage: expr.AuthPackage ?? 'Ntlm',
    ssl: expr.SSL !== 'Off',
  };
}

function question(emailAddress: string): string {
  return new XMLBuilder({ ignoreAttributes: false }).build({
    '?xml': { '@_version': '1.0', '@_encoding': 'utf-8' },
    Autodiscover: {
      '@_xmlns': 'http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006',
      Request: {
        EMailAddress: emailAddress,
        AcceptableResponseSchema: 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a',
      },
    },
  });
}

function failed(step: string): Discovered {
  return { kind: 'failed', step: `Autodiscover: ${step}` };
}
