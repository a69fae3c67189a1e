// Room: who renews certificates on this machine, and how they prove that a name is theirs: read from the files of certbot, acme.sh and
// dehydrated. Nothing in them is run. Pure but for the reader.
import type { Reader } from '../source.ts';

/** How a name is proven, RFC 8555 section 8 and RFC 8737. `apache`, `nginx`: by changing that server's files for a moment. */
export type ChallengeMethod = 'webroot' | 'apache' | 'nginx' | 'standalone' | 'tls-alpn' | 'dns' | 'other';

/** One certificate that is renewed. `file`: where that is written. */
export type Renewal = {
  client: 'certbot' | 'acme.sh' | 'dehydrated';
  name: string;
  file: string;
  method: ChallengeMethod;
  /** The method in the client's own word. */
  written: string;
  /** Folder that a challenge is put into. */
  webroot?: string;
  /** What the client runs once a certificate is new tells Outrigger already. */
  tellsOutrigger: boolean;
};

const CERTBOT = '/etc/letsencrypt';
const ACME_SH = '/root/.acme.sh';
const DEHYDRATED = '/etc/dehydrated';
/** In a hook: whatever its words, Outrigger is thought of. */
const OWN = /\boutrigger\b/;

/** All renewals of this machine, by client and file. What cannot be read is none. */
export function readRenewals(reader: Reader): Renewal[] {
  return [...certbotRenewals(reader), ...acmeShRenewals(reader), ...dehydratedRenewals(reader)];
}

/** certbot's plugins; dns-cloudflare, dns-rfc2136 and so on are one kind. Another plugin is `other`. */
const CERTBOT_METHODS: Readonly<Record<string, ChallengeMethod>> = {
  webroot: 'webroot',
  apache: 'apache',
  nginx: 'nginx',
  standalone: 'standalone',
};

/** renewal/NAME.conf: `key = value`, sections in brackets; certbot's storage.py and renewal.py. */
function certbotRenewals(reader: Reader): Renewal[] {
  const hooks = reader.glob(`${CERTBOT}/renewal-hooks/deploy/*`).map((path) => textOf(reader, path));
  const hasHook = hooks.some((text) => OWN.test(text));
  return reader.glob(`${CERTBOT}/renewal/*.conf`).map((file) => {
    const values = assignments(textOf(reader, file), /^\s*([\w.-]+)\s*=\s*(.*?)\s*$/);
    const written = values.get('authenticator') ?? '';
    const text = textOf(reader, file);
    const mapped = /^\s*\[\[webroot_map\]\]\s*\n\s*[^=\n]+=\s*(.+?)\s*$/m.exec(text)?.[1];
    const webroot = mapped ?? values.get('webroot_path')?.replace(/,\s*$/, '').split(/,\s*/)[0];
    const isDns = /^dns(?:-|$)/.test(written);
    return {
      client: 'certbot',
      name: file.replace(/^.*\/|\.conf$/g, ''),
      file,
      method: isDns ? 'dns' : (CERTBOT_METHODS[written] ?? 'other'),
      written,
      ...(webroot && { webroot }),
      tellsOutrigger: hasHook || OWN.test(`${values.get('renew_hook') ?? ''} ${values.get('deploy_hook') ?? ''}`),
    };
  });
}

/** NAME/NAME.conf: assignments of a shell; Le_Webroot is a folder or one of its words, for each name. */
function acmeShRenewals(reader: Reader): Renewal[] {
  return reader.glob(`${ACME_SH}/*/*.conf`).flatMap((file): Renewal[] => {
    const values = shellValues(textOf(reader, file));
    const name = values.get('Le_Domain');
    if (name === undefined) return [];
    const [written = ''] = (values.get('Le_Webroot') ?? '').split(',');
    const method = acmeShMethod(written);
    return [
      {
        client: 'acme.sh',
        name,
        file,
        method,
        written,
        ...(method === 'webroot' && { webroot: written }),
        tellsOutrigger: OWN.test(decoded(values.get('Le_ReloadCmd') ?? '')),
      },
    ];
  });
}

function acmeShMethod(written: string): ChallengeMethod {
  if (written.startsWith('/')) return 'webroot';
  if (written === 'no') return 'standalone';
  if (written === 'alpn') return 'tls-alpn';
  if (written === 'apache') return 'apache';
  if (written.startsWith('nginx')) return 'nginx';
  return written.startsWith('dns') ? 'dns' : 'other';
}

/** acme.sh wraps commands: `__ACME_BASE64__START_…__ACME_BASE64__END_`. */
function decoded(text: string): string {
  const [, wrapped] = /^__ACME_BASE64__START_(.*)__ACME_BASE64__END_$/.exec(text) ?? [];
  return wrapped === undefined ? text : Buffer.from(wrapped, 'base64').toString('latin1');
}

/** One configuration for all its certificates, with dehydrated's own defaults. */
function dehydratedRenewals(reader: Reader): Renewal[] {
  const file = `${DEHYDRATED}/config`;
  const result = reader.read(file);
  if (result.kind === 'missing') return [];
  const values = shellValues(result.file.text);
  const written = values.get('CHALLENGETYPE') ?? 'http-01';
  const methods: Record<string, ChallengeMethod> = { 'http-01': 'webroot', 'dns-01': 'dns', 'tls-alpn-01': 'tls-alpn' };
  const hook = values.get('HOOK');
  return [
    {
      client: 'dehydrated',
      name: 'domains.txt',
      file,
      method: methods[written] ?? 'other',
      written,
      webroot: values.get('WELLKNOWN') ?? '/var/www/dehydrated',
      tellsOutrigger: hook !== undefined && OWN.test(textOf(reader, hook)),
    },
  ];
}

function shellValues(text: string): Map<string, string> {
  const raw = assignments(text, /^\s*(?:export\s+)?(\w+)=(.*?)\s*$/);
  return new Map([...raw].map(([name, value]) => [name, value.replace(/^(['"])(.*)\1$/, '$2')]));
}

/** Name and value of each line of this form; the last of a name counts. */
function assignments(text: string, form: RegExp): Map<string, string> {
  return new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      const [, name = '', value = ''] = form.exec(line) ?? [];
      return name === '' ? [] : [[name, value]];
    }),
  );
}

function textOf(reader: Reader, path: string): string {
  const result = reader.read(path);
  return result.kind === 'file' ? result.file.text : '';
}
