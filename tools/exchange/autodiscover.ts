// Room: Autodiscover for Outlook (MS-OXDSCLI, plain old XML): the question as text in, the answer as text out.
import { XMLBuilder, XMLParser } from 'fast-xml-parser';

export type AutodiscoverFacts = {
  /** What `EXPR/Server` says: the public name of the RPC proxy. */
  rpcProxy: string;
  /** What `EXCH/Server` says: the mailbox server that the RPC proxy is asked for. */
  mailboxServer: string;
  auth: 'ntlm' | 'basic' | 'none';
};

const OUTLOOK_RESPONSE = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a';
const RESPONSE = 'http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006';

/**
 * The answer to a POX request (MS-OXDSCLI 3.1.5.1 and 2.2.4). A request that names no EMailAddress gets error 600, an
 * address that `knows` denies gets error 500: both travel with status 200.
 */
export function answerAutodiscover(
  request: string,
  facts: AutodiscoverFacts,
  knows: (emailAddress: string) => boolean,
): string {
  const emailAddress = requestedAddress(request);
  if (emailAddress === undefined) return errorAnswer(600, 'Invalid Request');
  if (!knows(emailAddress)) return errorAnswer(500, 'The email address cannot be found.');
  const { rpcProxy, mailboxServer } = facts;
  return build(OUTLOOK_RESPONSE, {
    User: { DisplayName: emailAddress.split('@')[0], AutoDiscoverSMTPAddress: emailAddress },
    Account: {
      AccountType: 'email',
      Action: 'settings',
      Protocol: [
        { Type: 'EXCH', Server: mailboxServer, ASUrl: `https://${rpcProxy}/EWS/Exchange.asmx` },
        {
          Type: 'EXPR',
          Server: rpcProxy,
          SSL: 'On',
          AuthPackage: facts.auth === 'basic' ? 'Basic' : 'Ntlm',
          CertPrincipalName: `msstd:${rpcProxy}`,
        },
      ],
    },
  });
}

function requestedAddress(request: string): string | undefined {
  let document: { Autodiscover?: { Request?: { EMailAddress?: unknown } } };
  try {
    document = new XMLParser({ removeNSPrefix: true, parseTagValue: false }).parse(request, true);
  } catch {
    return undefined; // the parser's way to say that it is no XML
  }
  const address = document.Autodiscover?.Request?.EMailAddress;
  return typeof address === 'string' && address.includes('@') ? address : undefined;
}

function errorAnswer(code: number, message: string): string {
  return build(undefined, { Error: { ErrorCode: code, Message: message } });
}

function build(namespace: string | undefined, response: object): string {
  const builder = new XMLBuilder({ ignoreAttributes: false, format: true, suppressEmptyNode: true });
  return builder.build({
    '?xml': { '@_version': '1.0', '@_encoding': 'utf-8' },
    Autodiscover: { '@_xmlns': RESPONSE, Response: { ...(namespace && { '@_xmlns': namespace }), ...response } },
  });
}
