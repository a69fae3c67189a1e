// Room: where an Apache configuration holds secrets, as a table. Spellings that any config shares (password=…, URLs) are in redact.ts.
import { CREDENTIAL_FIELD, type SecretRow } from '../redact.ts';

const FIELD = String.raw`[\w-]*(?:${CREDENTIAL_FIELD.source})[\w-]*`;
const VALUE = String.raw`"(?:\\.|[^"\\])*(?:"|$)|'(?:\\.|[^'\\])*(?:'|$)|\S+`;

/** Each row is tried on a directive whole: name first, blanks in between, continuation lines joined. */
export const APACHE_SECRETS: readonly SecretRow[] = [
  /^(?:AuthLDAPBindPassword|DBDParams|SSLSRPUnknownUserSeed|MDExternalAccountBinding)\s+(?!exec:)(?<secret>\S.*)$/dgi,
  /^SessionCryptoPassphrase\s+(?!exec:)(?<secret>\S.*)$/dgi,
  // A login that the proxy adds for everybody, a cookie it sets, a token it asks for.
  new RegExp(String.raw`^(?:Request)?Header\s+(?:\w+\s+)?\w+\s+["']?${FIELD}["']?\s+(?<secret>\S.*)$`, 'dgi'),
  new RegExp(String.raw`^(?:SetEnv|Define)\s+["']?${FIELD}["']?\s+(?<secret>\S.*)$`, 'dgi'),
  new RegExp(
    String.raw`^(?:SetEnvIf(?:NoCase)?|RewriteCond\s+%\{HTTP:)\s*["']?${FIELD}["'}]?\s+(?<secret>\S.*)$`,
    'dgi',
  ),
  // secret=… of AJP, and its like in any parameter.
  new RegExp(String.raw`\bsecret=(?<secret>${VALUE})`, 'dgi'),
  // A directive nobody knows that is called after what it holds.
  /^(?!SSLPassPhraseDialog\s)\w*(?:passw|passphrase|secret)\w*\s+(?!exec:)(?<secret>\S.*)$/dgi,
];
