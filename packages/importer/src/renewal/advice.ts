// Room: what a cut-over changes for the renewal of certificates, as one table: how a name is proven, and who has port 80 afterwards. Pure.
import type { ChallengeMethod, Renewal } from './renewals.ts';

/** Who answers on port 80 after the cut-over. */
export type PortEighty = 'stays' | 'outrigger';

/** `must`: without it the next renewal fails. `commands` are lines for a shell. */
export type RenewalAdvice = { must: boolean; sentence: string; commands: string[] };

const REDIRECTS =
  'a listener with redirect: https lets /.well-known/acme-challenge/ through to its route, which must lead to Apache';
const NO_443 =
  'Outrigger ends TLS on port 443 and answers no tls-alpn-01: change to a folder that Apache serves over port 80, or to DNS';

const ADVICE: Readonly<Record<ChallengeMethod, Record<PortEighty, { must: boolean; sentence: string }>>> = {
  webroot: {
    stays: { must: false, sentence: 'it goes on over port 80, which stays where it is' },
    outrigger: { must: false, sentence: `it goes on over port 80 through Outrigger: ${REDIRECTS}` },
  },
  apache: {
    stays: {
      must: false,
      sentence:
        'renewal goes on over port 80, which Apache keeps; a new certificate by this plugin would write Listen 443 into Apache again: ask for new ones with certonly --webroot',
    },
    outrigger: {
      must: true,
      sentence: `the plugin would have Apache listen on port 80, which Outrigger has then: change to a folder; ${REDIRECTS}`,
    },
  },
  nginx: {
    stays: { must: false, sentence: 'it changes nginx for a moment, which this cut-over does not touch' },
    outrigger: { must: true, sentence: `nginx has no port 80 then: change to a folder; ${REDIRECTS}` },
  },
  standalone: {
    stays: {
      must: false,
      sentence:
        'it takes port 80 itself for a moment, as before: what its hooks stop for it must be the one who has it',
    },
    outrigger: {
      must: true,
      sentence: `it takes port 80 itself, which Outrigger has then: change to a folder; ${REDIRECTS}`,
    },
  },
  'tls-alpn': { stays: { must: true, sentence: NO_443 }, outrigger: { must: true, sentence: NO_443 } },
  dns: {
    stays: { must: false, sentence: 'it is proven by DNS: nothing changes' },
    outrigger: { must: false, sentence: 'it is proven by DNS: nothing changes' },
  },
  other: {
    stays: { must: false, sentence: 'how it proves a name is not known here: try its dry run afterwards' },
    outrigger: { must: false, sentence: 'how it proves a name is not known here: try its dry run afterwards' },
  },
};

/** What changes for one renewal, and the lines that change it. `FOLDER` stands where a person must choose. */
export function renewalAdvice(renewal: Renewal, portEighty: PortEighty): RenewalAdvice {
  const { must, sentence } = ADVICE[renewal.method][portEighty];
  const commands = [...(must ? changeLines(renewal) : []), ...(renewal.tellsOutrigger ? [] : hookLines(renewal))];
  const told = renewal.tellsOutrigger
    ? 'its hook tells Outrigger already'
    : 'Outrigger must be told of a new certificate, and its user be able to read it (README, "Renewed certificates")';
  return { must, sentence: `${sentence}; ${told}`, commands };
}

function changeLines({ client, name, webroot = 'FOLDER' }: Renewal): string[] {
  switch (client) {
    case 'certbot':
      return [`certbot reconfigure --cert-name ${name} --authenticator webroot --webroot-path ${webroot}`];
    case 'acme.sh':
      return [`acme.sh --issue -d ${name} --webroot ${webroot} --force`];
    case 'dehydrated':
      return ['sed -i \'s/^CHALLENGETYPE=.*/CHALLENGETYPE="http-01"/\' /etc/dehydrated/config'];
  }
}

function hookLines({ client, name }: Renewal): string[] {
  const hook = '/etc/letsencrypt/renewal-hooks/deploy/outrigger';
  switch (client) {
    case 'certbot':
      return [`printf '#!/bin/sh\\nsystemctl reload outrigger\\n' > ${hook}`, `chmod 755 ${hook}`];
    case 'acme.sh':
      return [
        `acme.sh --install-cert -d ${name} --reloadcmd 'systemctl reload outrigger' # with its --key-file and --fullchain-file as they are`,
      ];
    case 'dehydrated':
      return ['# in deploy_cert of the file that HOOK names: systemctl reload outrigger'];
  }
}
