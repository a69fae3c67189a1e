// Room: the names of header fields that Squid knows by itself: all others are Other to its lists. Seen on Squid 5.7 field by field
// (`request-header-known`, `reply-header-known`); those of other versions from http/RegisteredHeadersHash.gperf.

const KNOWN =
  `Accept Accept-Charset Accept-Encoding Accept-Language Accept-Ranges Age Allow Alternate-Protocol Authentication-Info
  Authorization Cache-Control CDN-Loop Connection Content-Base Content-Disposition Content-Encoding Content-Language
  Content-Length Content-Location Content-MD5 Content-Range Content-Type Cookie Cookie2 Date ETag Expect Expires Forwarded
  From FTP-Arguments FTP-Command FTP-Pre FTP-Reason FTP-Status Front-End-Https Host If-Match If-Modified-Since If-None-Match
  If-Range If-Unmodified-Since Keep-Alive Key Last-Modified Link Location Max-Forwards Mime-Version Negotiate Origin Pragma
  Proxy-Authenticate Proxy-Authentication-Info Proxy-Authorization Proxy-Connection Proxy-support Public Range Referer
  Request-Range Retry-After Server Set-Cookie Set-Cookie2 Surrogate-Capability Surrogate-Control TE Title Trailer
  Transfer-Encoding Translate Unless-Modified-Since Upgrade User-Agent Vary Via WWW-Authenticate X-Accelerator-Vary
  X-Forwarded-For X-Next-Services X-Squid-Error`.split(/\s+/);

/** Squid 6 gave these up, and took up others. */
const UNTIL_5 = ['Warning', 'X-Cache', 'X-Cache-Lookup', 'X-Request-URI'];
const SINCE_6 = ['Cache-Status', 'Priority'];

/** As Squid of this version spells them. */
export function knownFields(version: number): string[] {
  return [...KNOWN, ...(version < 6 ? UNTIL_5 : SINCE_6)];
}
