// Room: an Apache directive as a report shows it: what is a secret in it.
import { type Secrets, shortened, URL_PASSWORD, withoutSecrets } from '../display.ts';

const SECRETS: Secrets = [
  [/^((?:AuthLDAPBindPassword|SessionCryptoPassphrase|DBDParams)\s+).*/i, '$1***'],
  // Login data that a proxy adds for everybody.
  [/^((?:Request)?Header\s+.*?\b(?:Proxy-)?Authorization\s+).*/i, '$1***'],
  [/^(\s*(?:SetEnv|Define)\s+\S*(?:pass|secret|token|key)\S*\s+).*/i, '$1***'],
  [/(\b(?:pass(?:word|wd|phrase)?|secret)=)\S+/gi, '$1***'],
  URL_PASSWORD,
];

/** The directive whole, on one line, without its secrets. */
export function masked(text: string): string {
  return withoutSecrets(text, SECRETS);
}

/** The same, shortened. */
export function displayed(text: string): string {
  return shortened(masked(text));
}
