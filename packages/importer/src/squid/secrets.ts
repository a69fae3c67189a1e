// Room: where a squid.conf holds secrets, as a table. Spellings that any config shares (password=…, URLs) are in redact.ts.
import { CREDENTIAL_FIELD, type SecretRow } from '../redact.ts';

const FIELD = String.raw`[\w-]{0,64}(?:${CREDENTIAL_FIELD.source})[\w-]*`;

/** Programs that take the password of a login as an argument. */
const HELPERS =
  'auth_param|authenticate_program|external_acl_type|redirect_program|\\w*rewrite_program|store_id_program|logfile_daemon|adaptation_\\w+|[ie]cap_\\w+';

/** Each row is tried on a directive whole: name first, blanks in between, continuation lines joined. */
export const SQUID_SECRETS: readonly SecretRow[] = [
  // PASS and PASSTHRU send what the client sent, NEGOTIATE a ticket: no secret. `user:password` shows the user (SQ-170).
  /\blogin=(?!PASS(?:THRU)?(?:\s|$)|NEGOTIATE(?:[:\s]|$))(?:[^\s:]*:)?(?<secret>\S+)/dg,
  /^cachemgr_passwd\s+(?!(?:none|disable)(?:\s|$))(?<secret>\S+)/dg,
  // The passphrase of a key is what the program prints, and many are an echo.
  /^sslpassword_program\s+\S+\s+(?<secret>\S.*)$/dg,
  /^snmp_community\s+(?<secret>\S+)/dg,
  /^acl\s+\S+\s+snmp_community\s+(?<secret>\S.*)$/dg,
  // -p is the password of the Kerberos and NTLM helpers, and the port of others.
  {
    of: new RegExp(String.raw`^(?:${HELPERS})\s`),
    row: /(?<=\s)-p\s*(?!\d{1,5}(?:\s|$))(?<secret>"[^"]*"?|\S+)/dg,
  },
  // The value is quoted where it has blanks; one without quotes may be all the rest.
  new RegExp(String.raw`^re(?:quest|ply)_header_add\s+${FIELD}\s+(?<secret>"(?:\\.|[^"\\])*(?:"|$)|[^"\s].*$)`, 'dgi'),
  new RegExp(String.raw`^(?:re(?:quest|ply)_)?header_replace\s+${FIELD}\s+(?<secret>\S.*)$`, 'dgi'),
  new RegExp(String.raw`^acl\s+\S+\s+re[qp]_header\s+${FIELD}\s+(?<secret>\S.*)$`, 'dgi'),
  // A directive nobody knows that is called after what it holds: cachemgr_password, snmp-community-string.
  /^(?!sslpassword_program\s|cachemgr_passwd\s|snmp_community\s)[\w-]{0,64}(?:passw|passphrase|secret|community)[\w-]{0,64}\s+(?<secret>\S.*)$/dgi,
];
